"""Which genes carry structure: by inertia in the bipartite graph of cells and genes, or by dispersion."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_BINS = 20


def gene_inertia(X: sp.csr_matrix) -> NDArray[np.float64]:
    r"""Chi-square distance of each gene from independence of the cells.

    .. math:: \iota_g = \sum_i \frac{(p_{ig} - r_i c_g)^2}{r_i c_g} = \sum_i \frac{p_{ig}^2}{r_i c_g} - c_g

    with :math:`P = X / \sum X` and margins r, c: what the gene contributes to the total inertia that correspondence
    analysis decomposes. For counts it is, up to the factor of the total, the variance of the gene's Pearson residuals
    under a Poisson model, which does not grow with mean expression where a gene only carries noise.

    Parameters
    ----------
    X
        Linear abundances (counts, not logarithms), cells x genes.

    Returns
    -------
    One value per gene; 0 for a gene without expression.
    """
    total = float(X.sum(dtype=np.float64))
    r = np.asarray(X.sum(axis=1), dtype=np.float64).ravel() / total
    c = np.asarray(X.sum(axis=0), dtype=np.float64).ravel() / total
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    shares = (X.data.astype(np.float64) / total) ** 2 / r[rows]
    summed = np.bincount(X.indices, weights=shares, minlength=X.shape[1])
    return np.divide(summed, c, out=np.zeros_like(c), where=c > 0) - c


def informative_genes(X: sp.csr_matrix, n_top: int) -> NDArray[np.intp]:
    """The ``n_top`` genes of largest inertia, in the order of the input.

    Only genes expressed in at least 3 cells and in 0.2 % of them are considered, since a gene seen once or twice has
    a large inertia and says nothing about types; where none passes, all expressed genes are kept.

    Parameters
    ----------
    X
        Linear abundances, cells x genes.
    n_top
        Genes wanted; fewer are returned where fewer qualify.
    """
    seen_in = np.bincount(X.indices, minlength=X.shape[1])
    candidates = np.flatnonzero(seen_in >= max(3, 0.002 * X.shape[0]))
    if len(candidates) == 0:
        candidates = np.flatnonzero(seen_in > 0)
    order = np.argsort(-gene_inertia(X)[candidates], kind="stable")[:n_top]
    return np.sort(candidates[order])


def dispersed_genes(X: sp.csr_matrix, n_top: int) -> NDArray[np.intp]:
    """The ``n_top`` genes most dispersed for their mean, in the order of the input.

    The logarithm of variance over mean, standardised among genes of similar mean (20 bins of the logarithm of the
    mean), after Satija et al. 2015 (the flavour ``"seurat"`` of :func:`scanpy.pp.highly_variable_genes`). It ranks
    genes against their like at every level of expression, where :func:`informative_genes` ranks them by what they
    contribute in all.

    Parameters
    ----------
    X
        Linear abundances of equal library size, cells x genes.
    n_top
        Genes wanted; fewer are returned where fewer are expressed.
    """
    n = X.shape[0]
    mean = np.asarray(X.sum(axis=0), dtype=np.float64).ravel() / n
    squares = np.asarray(X.astype(np.float64).power(2).sum(axis=0)).ravel() / n
    expressed = np.flatnonzero(mean > 0)
    mean = mean[expressed]
    dispersion = np.log(np.maximum((squares[expressed] - mean**2) / mean, 1e-12))
    level = np.log1p(mean)
    edges = np.linspace(level.min(), level.max(), _BINS + 1)[1:-1]
    bins = np.digitize(level, edges, right=True)
    score = np.zeros(len(expressed))
    for one in np.unique(bins):
        here = bins == one
        spread = dispersion[here].std(ddof=1) if here.sum() > 1 else 0.0
        # a gene alone at its level has nothing to be compared with: one standard deviation above, as scanpy has it
        score[here] = (dispersion[here] - dispersion[here].mean()) / spread if spread > 0 else 1.0
    return np.sort(expressed[np.argsort(-score, kind="stable")[:n_top]])
