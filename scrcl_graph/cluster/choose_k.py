"""The number of clusters without labels: how well the clusters are found again in other halves of the cells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.cluster import contingency_matrix

from scrcl_graph._errors import InputError
from scrcl_graph._seeds import seeds
from scrcl_graph.cluster._base import Embedding, Labels
from scrcl_graph.cluster._gaussian import leading_components
from scrcl_graph.cluster.community_mixture import Mixtures

_HALF = 1500  # most cells in a half
_FEWEST = 20
_CELLS_PER_CLUSTER = 6
_DIMENSIONS = 15  # for all candidates, so that they are compared on the same points
_NEARLY = 0.9  # of the largest gain
_PRICE = 3.0  # of what is not found again, in what is: detail counts while the mean Jaccard index is above .75


@dataclass(frozen=True)
class KSelection:
    """The curve a number of clusters was chosen from.

    Attributes
    ----------
    ks
        Candidates.
    recovered
        Mean Jaccard index of the clusters of one half with their best match in another, per candidate.
    spread
        Standard deviation of that mean over the pairs of halves.
    gain
        ``log k (recovered - 3 (1 - recovered))``: the detail of the clustering, for as much of it as is found again
        and against three times as much as is not.
    k
        The chosen number, where the gain is largest.
    others
        Numbers at which the gain peaks too, at nine tenths of the largest or more: other levels of detail, which are
        found again nearly as well.
    """

    ks: NDArray[np.int64]
    recovered: NDArray[np.float64]
    spread: NDArray[np.float64]
    gain: NDArray[np.float64]
    k: int
    others: NDArray[np.int64]


def choose_k(embedding: Embedding, *, k_max: int = 25, n_halves: int = 6, seed: int = 0) -> KSelection:
    """Choose the number of clusters by how well they are found again.

    Random halves of the cells are clustered each on its own by the default clusterer
    (:class:`scrcl_graph.cluster.CommunityMixture`, on 15 components), and each clustering is extended to all cells by
    its mixture. A cluster is found again in another clustering to the Jaccard index of the cluster there that it
    overlaps most (after Hennig 2007). Chosen is the number with the largest gain (:class:`KSelection`): detail counts
    as long as three quarters of it are found again, the index from which the R package fpc, by Hennig, calls a cluster
    stable.

    Parameters
    ----------
    embedding
        n x d.
    k_max
        Largest candidate; the smallest is 2.
    n_halves
        Halves, of at most 1,500 cells each; all ordered pairs are compared.
    seed
        Of the halves.

    Raises
    ------
    InputError
        If there are fewer than 20 cells.
    """
    n = len(embedding)
    check_enough(n)
    rng = np.random.default_rng(seed)
    points = leading_components(embedding, _DIMENSIONS, seed)
    halves = [rng.permutation(n)[: min(_HALF, n // 2)] for _ in range(n_halves)]
    ks = np.arange(2, max(2, min(k_max, n // _CELLS_PER_CLUSTER)) + 1)
    mixtures = [
        Mixtures(embedding[half], points[half], int(ks[-1]), own)
        for half, own in zip(halves, seeds(seed, n_halves), strict=True)
    ]
    overlaps = np.array([_overlaps([one.fit(int(k)).predict(points) for one in mixtures]) for k in ks])
    recovered = overlaps.mean(axis=1)
    gain = np.log(ks) * (recovered - _PRICE * (1 - recovered))
    return KSelection(ks, recovered, overlaps.std(axis=1), gain, int(ks[gain.argmax()]), ks[_others(gain)])


def check_enough(n: int) -> None:
    """InputError where a number of clusters cannot be chosen, as there are fewer than 20 cells."""
    if n < _FEWEST:
        raise InputError(f"{n} cells are too few to choose a number of clusters: pass n_clusters")


def _others(gain: NDArray[np.float64]) -> NDArray[np.intp]:
    """Peaks that are nearly as high as the highest, without it."""
    around = np.pad(gain, 1, constant_values=-np.inf)
    peaks = np.flatnonzero((gain > around[:-2]) & (gain > around[2:]) & (gain >= _NEARLY * gain.max()))
    others: NDArray[np.intp] = peaks[peaks != gain.argmax()]
    return others


def _overlaps(found: list[Labels]) -> list[float]:
    """How well the clusters of one clustering are found again in another, for each ordered pair."""
    return [float(_overlap(one, other).mean()) for one, other in permutations(found, 2)]


def _overlap(one: Labels, other: Labels) -> NDArray[np.float64]:
    """The largest Jaccard index of each cluster of one clustering with a cluster of the other."""
    shared = contingency_matrix(one, other).astype(np.float64)
    union = shared.sum(axis=1)[:, None] + shared.sum(axis=0) - shared
    largest: NDArray[np.float64] = (shared / union).max(axis=1)
    return largest
