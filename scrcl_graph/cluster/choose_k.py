"""The number of clusters without labels: the finest partition that independent halves of the cells agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from scrcl_graph._errors import InputError
from scrcl_graph.cluster._base import Embedding
from scrcl_graph.cluster.kmeans import SphericalKMeans

_SAMPLE = 4000  # cells looked at: stability is a mean over cells and needs no more


@dataclass(frozen=True)
class KSelection:
    """The curve a number of clusters was chosen from.

    Attributes
    ----------
    ks
        Candidates.
    stability
        Mean agreement (adjusted Rand index) of clusterings learned on disjoint halves, per candidate.
    spread
        Its standard error over the splits.
    k
        The chosen number.
    """

    ks: NDArray[np.int64]
    stability: NDArray[np.float64]
    spread: NDArray[np.float64]
    k: int


def choose_k(
    embedding: Embedding, *, k_max: int = 25, n_splits: int = 8, tolerance: float = 0.05, seed: int = 0
) -> KSelection:
    """Choose the number of clusters by the stability of spherical k-means under splitting.

    For each candidate the cells are split in halves; each half is clustered, both clusterings label the second half
    (by nearest centre), and their agreement is measured (prediction strength, after Tibshirani and Walther 2005, and
    Lange et al. 2004). Chosen is the largest k whose stability is within ``tolerance`` of the best.

    Parameters
    ----------
    embedding
        n x d.
    k_max
        Largest candidate; the smallest is 2.
    n_splits
        Splits per candidate, the same for all.
    tolerance
        In units of the adjusted Rand index.
    seed
        Of splits and starts.
    """
    rng = np.random.default_rng(seed)
    X = embedding[rng.permutation(len(embedding))[:_SAMPLE]]
    half = len(X) // 2
    if half < 2:
        raise InputError(f"{len(embedding)} cells are too few to choose a number of clusters: pass n_clusters")
    ks = np.arange(2, min(k_max, half) + 1)
    orders = [rng.permutation(len(X)) for _ in range(n_splits)]
    scores = np.array([[_agreement(X[order], half, int(k), seed) for order in orders] for k in ks])
    stability = scores.mean(axis=1)
    stable = np.flatnonzero(stability >= stability.max() - tolerance)
    return KSelection(ks, stability, scores.std(axis=1) / np.sqrt(n_splits), int(ks[stable[-1]]))


def _agreement(X: Embedding, half: int, k: int, seed: int) -> float:
    first, second = X[:half], X[half:]
    learned = SphericalKMeans(k, n_init=3, random_state=seed).fit(first)
    own = SphericalKMeans(k, n_init=3, random_state=seed + 1).fit(second)
    return float(adjusted_rand_score(own.labels_, learned.predict(second)))
