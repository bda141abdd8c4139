"""Cell-cell edges by similarity of coordinates."""

from __future__ import annotations

from math import sqrt

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin
from sklearn.neighbors import NearestNeighbors

Points = NDArray[np.float32]

EXACT_LIMIT = 20_000  # reference points up to which all pairs are compared; above, pairs in nearby blocks
_BLOCK, _BLOCKS = 1000, 40  # most points per block, on average, and fewest blocks
_PROBES = 10  # blocks that are searched


def nearest(
    queries: Points, reference: Points | None = None, *, n_neighbors: int = 15, seed: int = 0
) -> NDArray[np.int64]:
    """Each query's nearest reference points by Euclidean distance.

    Exact up to :data:`EXACT_LIMIT` reference points. Above, the points are divided into blocks around random centers,
    and those of a block are compared with the points of the 10 blocks nearest to it (an inverted file, Jegou et al.
    2011), so time grows linearly. docs/scale.md says what share of the neighbours is found.

    Parameters
    ----------
    queries
        n x d.
    reference
        m x d, or None to search among the queries, each point itself left out.
    n_neighbors
        k; at most the number of available points is returned.
    seed
        Of the centers.

    Returns
    -------
    n x k indices into the reference.
    """
    points = queries if reference is None else reference
    k = min(n_neighbors, len(points) - (reference is None))
    if len(points) <= EXACT_LIMIT:
        index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points)
        exact: NDArray[np.int64] = index.kneighbors(None if reference is None else queries, return_distance=False)
        return exact
    centers = _centers(points, seed)
    own = _members(points, centers)
    asking = own if reference is None else _members(queries, centers)
    order = NearestNeighbors(n_neighbors=len(centers), algorithm="brute").fit(centers)
    found = np.empty((len(queries), k), dtype=np.int64)
    for block, near in enumerate(order.kneighbors(centers, return_distance=False)):
        mine = asking[block]
        if len(mine) == 0:
            continue
        enough = max(_PROBES, 1 + int(np.searchsorted(np.cumsum([len(own[i]) for i in near]), k + 1)))
        candidates = np.concatenate([own[i] for i in near[:enough]])
        index = NearestNeighbors(n_neighbors=k + (reference is None), algorithm="brute").fit(points[candidates])
        hits = candidates[index.kneighbors(queries[mine], return_distance=False)]
        found[mine] = hits if reference is not None else _drop_self(hits, mine, k)
    return found


def _centers(points: Points, seed: int) -> Points:
    """Random points, each moved to the mean of the points nearest to it."""
    rng = np.random.default_rng(seed)
    centers = points[rng.choice(len(points), max(_BLOCKS, len(points) // _BLOCK), replace=False)]
    members = _members(points, centers)
    return np.stack([points[rows].mean(axis=0) for rows in members if len(rows)]).astype(np.float32)


def _members(points: Points, centers: Points) -> list[NDArray[np.intp]]:
    """The points nearest to each center."""
    block = pairwise_distances_argmin(points, centers)
    order = np.argsort(block, kind="stable")
    return np.split(order, np.searchsorted(block[order], np.arange(1, len(centers))))


def neighbors_of_few(n_neighbors: int, n_cells: int) -> int:
    """So many neighbours, or the root of the number of cells where that is less: few cells have few of one type."""
    return min(n_neighbors, max(1, round(sqrt(n_cells))))


def cell_knn(coordinates: Points, n_neighbors: int = 15, seed: int = 0) -> sp.csr_matrix:
    """Symmetric kNN graph of cells: an edge where either cell is among the other's nearest.

    Returns
    -------
    Cells x cells CSR of ones, float32, without self loops. See :func:`nearest` for exactness.
    """
    n = len(coordinates)
    found = nearest(coordinates, n_neighbors=n_neighbors, seed=seed)
    rows = np.repeat(np.arange(n), found.shape[1])
    directed = sp.csr_matrix((np.ones(found.size, np.float32), (rows, found.ravel())), shape=(n, n))
    union = sp.csr_matrix(directed.maximum(directed.T), dtype=np.float32)
    union.sort_indices()
    return union


def _drop_self(found: NDArray[np.int64], rows: NDArray[np.intp], k: int) -> NDArray[np.int64]:
    """The first k columns of each row that are not the row's own index."""
    own = found == rows[:, None]
    # A stable sort moves the point itself (False < True) to the end and keeps the order of the others.
    order = np.argsort(own, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, order, axis=1)


def propagation(adjacency: sp.csr_matrix) -> sp.csr_matrix:
    """Off-diagonal entries of ``D^-1/2 (A + I) D^-1/2`` for a symmetric graph of ones without self loops."""
    scale = 1.0 / np.sqrt(np.asarray(adjacency.sum(axis=1), dtype=np.float64).ravel() + 1.0)
    return sp.csr_matrix(sp.diags_array(scale) @ adjacency @ sp.diags_array(scale), dtype=np.float32)
