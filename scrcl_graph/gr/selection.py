"""Which genes carry structure: their inertia in the bipartite graph of cells and genes."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


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
