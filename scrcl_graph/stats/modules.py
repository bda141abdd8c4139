"""Modules of genes: communities that the measured expression confirms gene by gene."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph.cluster import unit_rows
from scrcl_graph.cluster.communities import louvain
from scrcl_graph.gr.cells import cell_knn
from scrcl_graph.gr.genes import column_moments
from scrcl_graph.gr.spectral import pca
from scrcl_graph.stats.permutation import benjamini_hochberg

Labels = NDArray[np.int64]
Values = NDArray[np.float64]


def gene_communities(links: sp.csr_matrix, *, resolution: float = 1.0, seed: int = 0) -> Labels:
    """Louvain communities (Blondel et al. 2008) of a gene graph.

    Parameters
    ----------
    links
        Genes x genes, symmetric, not negative.
    resolution
        Larger finds more and smaller communities.
    seed
        Of Louvain.

    Returns
    -------
    One label per gene.
    """
    return louvain(nx.from_scipy_sparse_array(links), resolution=resolution, seed=seed)


def membership(log_X: sp.csr_matrix, labels: Labels) -> Values:
    r"""Correlation over cells of each gene with the summed z-scores of the *other* genes of its module.

    With z the gene and S the sum over its module: :math:`(cov(z, S) - 1) / \sqrt{var(S) - 2 cov(z, S) + 1}`.

    Parameters
    ----------
    log_X
        Log-normalised expression, cells x genes.
    labels
        Module of each gene; -1 for none, whose membership is 0, as is that of a gene alone or without variance.
    """
    sums, std = _module_sums(log_X, labels)
    inside = np.flatnonzero((labels >= 0) & (std > 1e-6))
    own = labels[inside]
    products = np.asarray((log_X[:, inside].T @ sums)[np.arange(len(inside)), own], dtype=np.float64)
    cov = products / (len(sums) * std[inside])  # the sums have mean zero
    rest = sums.var(axis=0)[own] - 2 * cov + 1
    out = np.zeros(len(labels))
    out[inside] = np.divide(cov - 1, np.sqrt(np.maximum(rest, 1e-12)), out=np.zeros(len(own)), where=rest > 1e-6)
    return out


def null_membership(
    log_X: sp.csr_matrix, *, n_components: int = 50, n_neighbors: int = 10, resolution: float = 1.0, seed: int = 0
) -> Values:
    """Membership where there are no modules: each gene's values shuffled over the cells, then genes grouped again.

    Groups are chosen because their genes agree, so even independent genes correlate with their group; this says how
    much. The shuffled genes are placed by PCA and grouped as communities of their kNN graph there, as the genes are
    that a model has placed.
    """
    rng = np.random.default_rng(seed)
    shuffled = log_X.tocsc()
    for start, stop in zip(shuffled.indptr[:-1], shuffled.indptr[1:], strict=True):
        shuffled.indices[start:stop] = rng.choice(log_X.shape[0], stop - start, replace=False)
    shuffled = shuffled.tocsr()
    genes = pca(shuffled, n_components, seed=seed).genes
    links = cell_knn(unit_rows(genes), n_neighbors, seed)
    return membership(shuffled, gene_communities(links, resolution=resolution, seed=seed))


def confirmed(labels: Labels, r: Values, null: Values, *, max_padj: float = 0.05, min_genes: int = 5) -> Labels:
    """The modules without genes that are tied to them no better than chance; the largest is 0.

    Parameters
    ----------
    labels
        Module of each gene.
    r
        :func:`membership` of each gene.
    null
        :func:`null_membership`, from which the p-values are.
    max_padj
        False discovery rate (Benjamini-Hochberg over all genes) at which a gene stays.
    min_genes
        Smaller modules are dissolved.

    Returns
    -------
    One label per gene, -1 for none.
    """
    at_least = len(null) - np.searchsorted(np.sort(null), r)
    kept = benjamini_hochberg((1 + at_least) / (1 + len(null))) <= max_padj
    sizes = np.bincount(labels[kept], minlength=labels.max() + 1)
    order = np.argsort(-sizes, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return np.where(kept & (sizes[labels] >= min_genes), rank[labels], -1)


def recovery(labels: Labels, others: Sequence[Labels]) -> Values:
    """Of each module, the largest Jaccard index with a module of another labelling, averaged over these; else NaN."""
    n = int(labels.max()) + 1
    if not others:
        return np.full(n, np.nan)
    found = np.zeros((len(others), n))
    for row, other in zip(found, others, strict=True):
        for i in range(n):
            inside = labels == i
            for j in np.unique(other[inside & (other >= 0)]):
                there = other == j
                row[i] = max(row[i], (inside & there).sum() / (inside | there).sum())
    return np.asarray(found.mean(axis=0))


def module_scores(log_X: sp.csr_matrix, labels: Labels) -> NDArray[np.float32]:
    """Mean z-score of the genes of each module in each cell, cells x modules."""
    sums, _ = _module_sums(log_X, labels)
    return np.asarray(sums / np.maximum(np.bincount(labels[labels >= 0], minlength=sums.shape[1]), 1), dtype=np.float32)


def _module_sums(log_X: sp.csr_matrix, labels: Labels) -> tuple[Values, Values]:
    """Summed z-scores of each module in each cell, and the standard deviations of the genes."""
    mean, std = column_moments(log_X)
    used = np.flatnonzero((labels >= 0) & (std > 1e-6))
    weight = sp.csr_matrix((1 / std[used], (used, labels[used])), shape=(len(labels), int(labels.max()) + 1))
    return np.asarray((log_X @ weight).toarray() - mean @ weight, dtype=np.float64), std
