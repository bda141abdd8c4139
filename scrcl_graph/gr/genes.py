"""Gene-gene edges from the data, and the message they pass over the expression matrix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_BLOCK = 512  # genes compared at a time: a block of 512 x genes is the largest dense piece


def column_moments(X: sp.csr_matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (population) of each column, zeros included."""
    n, g = X.shape
    values = X.data.astype(np.float64)
    mean = np.bincount(X.indices, weights=values, minlength=g) / n
    square = np.bincount(X.indices, weights=values**2, minlength=g) / n
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def gene_correlation(X: sp.csr_matrix, n_neighbors: int = 5) -> sp.csr_matrix:
    r"""Symmetric kNN graph of genes by Pearson correlation of expression over cells.

    .. math:: \rho_{gh} = (\tfrac1n x_g^\top x_h - \mu_g \mu_h) / (\sigma_g \sigma_h)

    The ``n_neighbors`` strongest correlations by absolute value are kept per gene, with their sign; then the union
    with the transpose is taken. Products run over the sparse columns, a block of genes at a time.

    Parameters
    ----------
    X
        Log-normalised expression, cells x genes.
    n_neighbors
        Edges per gene before the union.

    Returns
    -------
    Genes x genes CSR, float32, zero diagonal, values in [-1, 1]. A gene without variance has no edges.
    """
    n, g = X.shape
    k = min(n_neighbors, g - 1)
    mean, std = column_moments(X)
    inverse = np.divide(1.0, std, out=np.zeros_like(std), where=std > 1e-6)
    parts = []
    for block, products in _column_products(X):
        rho = (products / n - np.outer(mean[block], mean)) * np.outer(inverse[block], inverse)
        rho[np.arange(len(block)), block] = 0.0
        parts.append(_take(rho.clip(-1.0, 1.0), np.argpartition(-np.abs(rho), k - 1, axis=1)[:, :k]))
    directed = sp.csr_matrix(sp.vstack(parts, format="csr"))
    return union(directed, directed.T.tocsr())


def gene_knn(X: sp.csr_matrix, n_neighbors: int = 5) -> sp.csr_matrix:
    """Directed mean over each gene's nearest genes, itself included, by Euclidean distance: the graph of the paper.

    Parameters
    ----------
    X
        Raw counts, cells x genes.
    n_neighbors
        Genes per row, counting the gene itself.

    Returns
    -------
    Genes x genes CSR, float32; each row holds ``1 / n_neighbors`` at the gene's nearest genes.
    """
    g = X.shape[1]
    k = min(n_neighbors, g)
    square = np.bincount(X.indices, weights=X.data.astype(np.float64) ** 2, minlength=g)
    parts = []
    for block, products in _column_products(X):
        distance = square[block][:, None] + square - 2 * products
        distance[np.arange(len(block)), block] = -1.0  # the gene itself is always among its nearest
        parts.append(_take(np.full_like(distance, 1.0 / k), np.argpartition(distance, k - 1, axis=1)[:, :k]))
    return sp.csr_matrix(sp.vstack(parts, format="csr"))


def gene_step(graph: sp.csr_matrix, keep: float) -> sp.csr_matrix:
    r"""One message along gene-gene edges as an operator on expression: :math:`aI + (1-a)S`.

    ``S`` is the graph's positive part with rows summing to one; a gene without positive edges keeps its own value,
    so every row of the result sums to one and a cell's total is unchanged.

    Parameters
    ----------
    graph
        Genes x genes, signed weights.
    keep
        ``a``, the share of a gene's own value, in [0, 1].
    """
    positive = graph.maximum(0)
    strength = np.asarray(positive.sum(axis=1), dtype=np.float64).ravel()
    own = np.where(strength > 0, keep, 1.0)
    share = np.divide(1.0 - keep, strength, out=np.zeros_like(strength), where=strength > 0)
    return sp.csr_matrix(sp.diags_array(own) + sp.diags_array(share) @ positive, dtype=np.float32)


def union(first: sp.csr_matrix, second: sp.csr_matrix) -> sp.csr_matrix:
    """Edges of either graph; where both have one, the weight of larger magnitude."""
    larger = abs(second) > abs(first)
    both = sp.csr_matrix(first - first.multiply(larger) + second.multiply(larger), dtype=np.float32)
    both.eliminate_zeros()
    both.sort_indices()
    return both


def _column_products(X: sp.csr_matrix) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Blocks of genes with their inner products with all genes, block x genes."""
    columns = X.T.tocsr().astype(np.float64)
    rows = X.astype(np.float64)
    for start in range(0, X.shape[1], _BLOCK):
        block = np.arange(start, min(start + _BLOCK, X.shape[1]))
        yield block, (columns[block] @ rows).toarray()


def _take(values: NDArray[np.float64], cols: NDArray[np.intp]) -> sp.csr_matrix:
    rows = np.repeat(np.arange(len(values)), cols.shape[1])
    kept = np.take_along_axis(values, cols, axis=1).ravel()
    return sp.csr_matrix((kept, (rows, cols.ravel())), shape=values.shape, dtype=np.float32)
