"""Cell-cell edges by similarity of coordinates."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph._settings import threads_kept

Points = NDArray[np.float32]

EXACT_LIMIT = 30_000  # reference points up to which brute force is used; above, an approximate index


def nearest(
    queries: Points, reference: Points | None = None, *, n_neighbors: int = 15, seed: int = 0
) -> NDArray[np.int64]:
    """Each query's nearest reference points by Euclidean distance.

    Exact (scikit-learn, brute force) up to :data:`EXACT_LIMIT` reference points, approximate (pynndescent, seeded)
    above.

    Parameters
    ----------
    queries
        n x d.
    reference
        m x d, or None to search among the queries, each point itself left out.
    n_neighbors
        k; at most the number of available points is returned.
    seed
        Of the approximate index.

    Returns
    -------
    n x k indices into the reference.
    """
    points = queries if reference is None else reference
    k = min(n_neighbors, len(points) - (reference is None))
    if len(points) <= EXACT_LIMIT:
        from sklearn.neighbors import NearestNeighbors

        index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points)
        exact: NDArray[np.int64] = index.kneighbors(None if reference is None else queries, return_distance=False)
        return exact
    from pynndescent import NNDescent

    with threads_kept():
        nnd = NNDescent(points, n_neighbors=max(30, k + 1), random_state=seed)
        if reference is not None:
            return np.asarray(nnd.query(queries, k=k)[0], dtype=np.int64)
    return _drop_self(np.asarray(nnd.neighbor_graph[0], dtype=np.int64), k)


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


def _drop_self(found: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The first k columns of each row that are not the row's own index."""
    own = found == np.arange(len(found))[:, None]
    # A stable sort moves the point itself (False < True) to the end and keeps the order of the others.
    order = np.argsort(own, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, order, axis=1)


def propagation(adjacency: sp.csr_matrix) -> sp.csr_matrix:
    """Off-diagonal entries of ``D^-1/2 (A + I) D^-1/2`` for a symmetric graph of ones without self loops."""
    scale = 1.0 / np.sqrt(np.asarray(adjacency.sum(axis=1), dtype=np.float64).ravel() + 1.0)
    return sp.csr_matrix(sp.diags_array(scale) @ adjacency @ sp.diags_array(scale), dtype=np.float32)
