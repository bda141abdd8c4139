"""What a clusterer is, scikit-learn's fit_predict, and what all of them use."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph._errors import InputError

Embedding = NDArray[np.float32]
Labels = NDArray[np.int64]


class Clusterer(Protocol):
    """Anything with ``fit_predict``: an n x d embedding in, n integer labels out."""

    def fit_predict(self, X: Embedding) -> Labels:
        """Labels of the rows of ``X``."""
        ...


def check_k(k: int, n: int) -> None:
    """Raise InputError unless k clusters can be found among n cells."""
    if not 1 <= k <= n:
        raise InputError(f"{k} clusters cannot be found among {n} cells: choose between 1 and {n}")


def unit_rows(X: NDArray[np.floating]) -> Embedding:
    """Rows scaled to unit length; a row of zeros stays."""
    X = np.asarray(X, dtype=np.float32)
    length = np.linalg.norm(X, axis=1, keepdims=True)
    scaled: Embedding = np.divide(X, length, out=np.zeros_like(X), where=length > 0)
    return scaled


def members(labels: NDArray[np.integer], k: int) -> sp.csr_matrix:
    """Indicator of the clusters 0, ..., k - 1, cells x k: its transpose sums rows by cluster."""
    n = len(labels)
    return sp.csr_matrix((np.ones(n), labels, np.arange(n + 1)), shape=(n, k))


def by_size(labels: NDArray[np.integer]) -> Labels:
    """Labels renumbered 0, 1, ... from the largest cluster to the smallest, ties by first appearance."""
    _, first, inverse, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), dtype=np.int64)
    rank[np.lexsort((first, -counts))] = np.arange(len(counts))
    return rank[inverse]
