"""What a graph looks like beside random graphs with the same degrees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

_ROUNDS = 40  # of swaps; each tries to swap every edge once


def diagnostics(graph: sp.csr_matrix, *, n_random: int = 10, seed: int = 0) -> pd.DataFrame:
    """Counts and shapes of a graph, and of rewired graphs in which every node keeps its degree.

    Parameters
    ----------
    graph
        Symmetric, without self loops; weights are ignored.
    n_random
        Rewired graphs.
    seed
        Of the rewiring.

    Returns
    -------
    A row for each of ``nodes``, ``edges``, ``degree_mean``, ``degree_max``, ``isolated``, ``components``,
    ``triangles``, ``transitivity`` (three times the triangles over the pairs of edges that meet) and
    ``assortativity`` (correlation of the degrees at the ends of an edge; NaN where all degrees are one); columns
    ``observed``, ``random`` (mean) and ``random_std``.
    """
    graph = sp.csr_matrix(graph, copy=True)
    graph.data = np.ones_like(graph.data, dtype=np.float64)
    rng = np.random.default_rng(seed)
    random = pd.DataFrame([_describe(rewired(graph, rng)) for _ in range(n_random)])
    observed = pd.Series(_describe(graph), name="observed")
    return pd.DataFrame({"observed": observed, "random": random.mean(), "random_std": random.std(ddof=0)})


def rewired(graph: sp.csr_matrix, rng: np.random.Generator) -> sp.csr_matrix:
    """A random simple graph with the same degrees: ends of pairs of edges are swapped (Maslov and Sneppen 2002).

    Edges are paired at random and all pairs swapped at once, except where that makes a loop or a double edge.
    """
    n = graph.shape[0]
    upper = sp.triu(graph, k=1).tocoo()
    ends = np.stack([upper.row, upper.col]).astype(np.int64)
    for _ in range(_ROUNDS):
        order = rng.permutation(ends.shape[1])
        half = len(order) // 2
        first, second = order[:half], order[half : 2 * half]
        a, b = ends[:, first]
        c, d = np.where(rng.random(half) < 0.5, ends[:, second], ends[::-1, second])
        new = np.concatenate([_code(a, d, n), _code(c, b, n)])
        _, place, count = np.unique(
            np.concatenate([_code(ends[0], ends[1], n), new]), return_inverse=True, return_counts=True
        )
        single = (count[place[-2 * half :]] == 1) if half else np.zeros(0, dtype=bool)
        good = single[:half] & single[half:] & (a != d) & (c != b)
        ends[:, first[good]] = a[good], d[good]
        ends[:, second[good]] = c[good], b[good]
    one_way = sp.csr_matrix((np.ones(ends.shape[1]), ends), shape=graph.shape)
    return sp.csr_matrix(one_way + one_way.T)


def _code(a: NDArray[np.int64], b: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """One number for an undirected edge."""
    return np.minimum(a, b) * n + np.maximum(a, b)


def _describe(graph: sp.csr_matrix) -> dict[str, float]:
    degree = np.diff(graph.indptr).astype(np.float64)
    triangles = (graph @ graph).multiply(graph).sum() / 6
    meeting = (degree * (degree - 1)).sum() / 2
    rows, cols = graph.nonzero()
    spread = degree[rows].std() if len(rows) else 0.0
    return {
        "nodes": graph.shape[0],
        "edges": graph.nnz / 2,
        "degree_mean": degree.mean(),
        "degree_max": degree.max(),
        "isolated": int((degree == 0).sum()),
        "components": connected_components(graph, directed=False)[0],
        "triangles": triangles,
        "transitivity": 3 * triangles / meeting if meeting else 0.0,
        "assortativity": np.corrcoef(degree[rows], degree[cols])[0, 1] if spread > 0 else np.nan,
    }
