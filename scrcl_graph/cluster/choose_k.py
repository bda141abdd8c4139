"""The number of clusters without labels: how many clusters are found again in other halves of the cells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.cluster import contingency_matrix

from scrcl_graph._errors import InputError
from scrcl_graph.cluster._base import Embedding, Labels
from scrcl_graph.cluster._gaussian import Points, WardTree, ascend, leading_components

_HALF = 2000  # most cells in a half
_FEWEST = 20
_CELLS_PER_CLUSTER = 6
_DIMENSIONS = 15
_FOUND = 0.75  # Jaccard overlap from which a cluster counts as found again (Hennig 2007)
_PRICE = 2.0  # of a share of clusters not found again, in shares that are


@dataclass(frozen=True)
class KSelection:
    """The curve a number of clusters was chosen from.

    Attributes
    ----------
    ks
        Candidates.
    recovered
        Mean share of the clusters of one half that are found again in another, per candidate.
    spread
        Standard deviation of that share over the pairs of halves.
    gain
        ``log k (recovered - 2 (1 - recovered))``: the detail of the clustering, for as much of it as is found again
        and against twice as much as is not.
    k
        The chosen number, where the gain is largest.
    """

    ks: NDArray[np.int64]
    recovered: NDArray[np.float64]
    spread: NDArray[np.float64]
    gain: NDArray[np.float64]
    k: int


def choose_k(embedding: Embedding, *, k_max: int = 25, n_halves: int = 6, seed: int = 0) -> KSelection:
    """Choose the number of clusters by how many of them are found again.

    Random halves of the cells are clustered each on its own (Ward's tree, cut at the candidate, then EM for a
    tied-covariance mixture), and each clustering is extended to all cells. A cluster counts as found again in another
    clustering if some cluster there overlaps it by a Jaccard index of at least 0.75 (after Hennig 2007). Chosen is
    the number with the largest gain (:class:`KSelection`): detail counts as long as two thirds of it are found again.

    Parameters
    ----------
    embedding
        n x d.
    k_max
        Largest candidate; the smallest is 2.
    n_halves
        Halves, of at most 2,000 cells each; all ordered pairs are compared.
    seed
        Of the halves.

    Raises
    ------
    InputError
        If there are fewer than 20 cells.
    """
    n = len(embedding)
    if n < _FEWEST:
        raise InputError(f"{n} cells are too few to choose a number of clusters: pass n_clusters")
    rng = np.random.default_rng(seed)
    points = leading_components(embedding, _DIMENSIONS, seed)
    halves = [points[rng.permutation(n)[: min(_HALF, n // 2)]] for _ in range(n_halves)]
    trees = [WardTree(half) for half in halves]
    ks = np.arange(2, max(2, min(k_max, n // _CELLS_PER_CLUSTER)) + 1)
    shares = np.array([_shares(points, halves, trees, int(k), seed) for k in ks])
    recovered = shares.mean(axis=1)
    gain = np.log(ks) * (recovered - _PRICE * (1 - recovered))
    return KSelection(ks, recovered, shares.std(axis=1), gain, int(ks[gain.argmax()]))


def _shares(points: Points, halves: list[Points], trees: list[WardTree], k: int, seed: int) -> list[float]:
    """The share of clusters found again, for each ordered pair of halves."""
    found = [ascend(half, tree.cut(k), seed).predict(points) for half, tree in zip(halves, trees, strict=True)]
    return [float((_overlap(one, other) >= _FOUND).mean()) for one, other in permutations(found, 2)]


def _overlap(one: Labels, other: Labels) -> NDArray[np.float64]:
    """The largest Jaccard index of each cluster of one clustering with a cluster of the other."""
    shared = contingency_matrix(one, other).astype(np.float64)
    union = shared.sum(axis=1)[:, None] + shared.sum(axis=0) - shared
    largest: NDArray[np.float64] = (shared / union).max(axis=1)
    return largest
