"""How a clustering looks without an annotation: apart, local, repeatable."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.neighbors import NearestNeighbors

_SAMPLE = 3000


def silhouette(coordinates: NDArray[np.floating], labels: ArrayLike, *, seed: int = 0) -> float:
    """Mean silhouette (Euclidean) of at most 3,000 random cells; NaN where all are in one cluster or each in its own.

    Parameters
    ----------
    coordinates
        Cells x d. To compare methods give the same coordinates for all of them.
    labels
        One cluster per cell.
    seed
        Of the sample.
    """
    rows = _sample(len(coordinates), seed)
    sampled = np.asarray(labels)[rows]
    if not 1 < len(np.unique(sampled)) < len(rows):
        return float("nan")
    return float(silhouette_score(coordinates[rows], sampled))


def neighbourhood_purity(
    coordinates: NDArray[np.floating], labels: ArrayLike, *, n_neighbors: int = 15, seed: int = 0
) -> float:
    """Mean share of a cell's nearest neighbours that are in its cluster, over at most 3,000 random cells.

    Parameters are as in :func:`silhouette`; the neighbours are searched among all cells.
    """
    rows, values = _sample(len(coordinates), seed), np.asarray(labels)
    index = NearestNeighbors(n_neighbors=min(n_neighbors + 1, len(coordinates)), algorithm="brute").fit(coordinates)
    near = index.kneighbors(coordinates[rows], return_distance=False)
    others = near != rows[:, None]
    same = (values[near] == values[rows][:, None]) & others
    return float((same.sum(axis=1) / others.sum(axis=1)).mean())


def stability(clusterings: Sequence[ArrayLike]) -> float:
    """Mean adjusted Rand index of all pairs of clusterings of the same cells; NaN for fewer than two."""
    pairs = [adjusted_rand_score(a, b) for a, b in combinations(clusterings, 2)]
    return float(np.mean(pairs)) if pairs else float("nan")


def _sample(n: int, seed: int) -> NDArray[np.intp]:
    return np.sort(np.random.default_rng(seed).permutation(n)[:_SAMPLE])
