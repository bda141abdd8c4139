"""The number of clusters without labels: where independent halves of the cells agree more than structureless ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from scrcl_graph._errors import InputError
from scrcl_graph.cluster._base import Embedding, unit_rows
from scrcl_graph.cluster.kmeans import SphericalKMeans

_SAMPLE = 2000  # cells looked at: agreement is a mean over cells and needs no more
_FEWEST = 20
_DIMENSIONS = 32  # leading ones, in which the sample is compared
_STARTS = 4


@dataclass(frozen=True)
class KSelection:
    """The curve a number of clusters was chosen from.

    Attributes
    ----------
    ks
        Candidates.
    stability
        Mean agreement (adjusted Rand index) of clusterings learned on disjoint halves, per candidate.
    null
        The same for Gaussian points with the mean and covariance of the cells, which have no clusters.
    spread
        Standard error of ``stability - null`` over the splits.
    k
        The chosen number.
    """

    ks: NDArray[np.int64]
    stability: NDArray[np.float64]
    null: NDArray[np.float64]
    spread: NDArray[np.float64]
    k: int


def choose_k(embedding: Embedding, *, k_max: int = 25, n_splits: int = 6, seed: int = 0) -> KSelection:
    """Choose the number of clusters by the stability of spherical k-means, beyond that of data without clusters.

    For each candidate the cells are split in halves; each half is clustered, both clusterings label the second half
    (by nearest centre), and their agreement is measured (after Lange et al. 2004 and Tibshirani and Walther 2005).
    Agreement falls with k for any data, so the same is done for Gaussian points of equal covariance, as in the gap
    statistic. Chosen is the largest k whose gap is within one standard error of the largest gap; the smallest
    candidate where no gap is two standard errors above zero.

    Parameters
    ----------
    embedding
        n x d; of more than 2,000 cells a random sample is looked at.
    k_max
        Largest candidate; the smallest is 2.
    n_splits
        Splits per candidate, the same for all.
    seed
        Of sample, splits, starts and null.

    Raises
    ------
    InputError
        If there are fewer than 20 cells.
    """
    if len(embedding) < _FEWEST:
        raise InputError(f"{len(embedding)} cells are too few to choose a number of clusters: pass n_clusters")
    rng = np.random.default_rng(seed)
    cells = unit_rows(embedding[rng.permutation(len(embedding))[:_SAMPLE]])
    if cells.shape[1] > _DIMENSIONS:
        cells = unit_rows(cells @ np.linalg.svd(cells, full_matrices=False)[2][:_DIMENSIONS].T)
    mean, covariance = cells.mean(axis=0), np.cov(cells.T.astype(np.float64))
    null = unit_rows(rng.multivariate_normal(mean, covariance, size=len(cells), method="eigh"))
    ks = np.arange(2, min(k_max, len(cells) // 6) + 1)
    orders = [rng.permutation(len(cells)) for _ in range(n_splits)]
    observed, expected = (
        np.array([[_agreement(points[order], int(k), seed) for order in orders] for k in ks])
        for points in (cells, null)
    )
    gap = (observed - expected).mean(axis=1)
    spread = (observed - expected).std(axis=1) / np.sqrt(n_splits)
    best = gap.argmax()
    good = np.flatnonzero(gap >= gap[best] - spread[best])
    k = ks[good[-1]] if gap[best] > 2 * spread[best] else ks[0]
    return KSelection(ks, observed.mean(axis=1), expected.mean(axis=1), spread, int(k))


def _agreement(points: Embedding, k: int, seed: int) -> float:
    first, second = np.array_split(points, 2)
    learned = SphericalKMeans(k, n_init=_STARTS, random_state=seed).fit(first)
    own = SphericalKMeans(k, n_init=_STARTS, random_state=seed + 1).fit(second)
    return float(adjusted_rand_score(own.labels_, learned.predict(second)))
