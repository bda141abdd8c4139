"""Which genes carry structure: by inertia in the bipartite graph of cells and genes, or by dispersion.

Both need only sums over cells, so a matrix may come as a whole or in blocks of cells, and is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph._preprocess import cell_totals

Blocks: TypeAlias = sp.csr_matrix | Iterable[sp.csr_matrix]
_BINS = 20


def gene_inertia(X: Blocks) -> NDArray[np.float64]:
    r"""Chi-square distance of each gene from independence of the cells.

    .. math:: \iota_g = \sum_i \frac{(p_{ig} - r_i c_g)^2}{r_i c_g}
              = \frac{1}{C_g} \sum_i \frac{x_{ig}^2}{R_i} - \frac{C_g}{T}

    with :math:`P = X / T`, T the sum of X, r, c the margins of P, and R, C those of X: what the gene contributes to
    the total inertia that correspondence analysis decomposes. For counts it is, up to the factor of the total, the
    variance of the gene's Pearson residuals under a Poisson model, which does not grow with mean expression where a
    gene only carries noise.

    Parameters
    ----------
    X
        Linear abundances (counts, not logarithms), cells x genes, or blocks of its rows.

    Returns
    -------
    One value per gene; 0 for a gene without expression.
    """
    return _inertia(X)[0]


def informative_genes(X: Blocks, n_top: int) -> NDArray[np.intp]:
    """The ``n_top`` genes of largest inertia, in the order of the input.

    Only genes expressed in at least 3 cells and in 0.2 % of them are considered, since a gene seen once or twice has
    a large inertia and says nothing about types; where none passes, all expressed genes are kept.

    Parameters
    ----------
    X
        Linear abundances, cells x genes, or blocks of its rows.
    n_top
        Genes wanted; fewer are returned where fewer qualify.
    """
    inertia, seen_in, n_cells = _inertia(X)
    candidates = np.flatnonzero(seen_in >= max(3, 0.002 * n_cells))
    if len(candidates) == 0:
        candidates = np.flatnonzero(seen_in > 0)
    order = np.argsort(-inertia[candidates], kind="stable")[:n_top]
    return np.sort(candidates[order])


def dispersed_genes(X: Blocks, n_top: int) -> NDArray[np.intp]:
    """The ``n_top`` genes most dispersed for their mean, in the order of the input.

    The logarithm of variance over mean, standardised among genes of similar mean (20 bins of the logarithm of the
    mean), after Satija et al. 2015 (the flavour ``"seurat"`` of :func:`scanpy.pp.highly_variable_genes`). It ranks
    genes against their like at every level of expression, where :func:`informative_genes` ranks them by what they
    contribute in all.

    Parameters
    ----------
    X
        Linear abundances of equal library size, cells x genes, or blocks of its rows.
    n_top
        Genes wanted; fewer are returned where fewer are expressed.
    """
    n, mean, squares = _sums(X, _per_gene, lambda part: _per_gene(part.astype(np.float64).power(2)))
    mean, squares = mean / n, squares / n
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


def _inertia(X: Blocks) -> tuple[NDArray[np.float64], NDArray[np.intp], int]:
    """Inertia of each gene, the cells that express it, and the number of cells."""
    n, sums, shares, seen_in = _sums(X, _per_gene, _shares, _cells_per_gene)
    ratio = np.divide(shares, sums, out=np.zeros_like(sums), where=sums > 0)
    return ratio - sums / sums.sum(), seen_in, n


def _sums(X: Blocks, *parts: Callable[[sp.csr_matrix], NDArray[Any]]) -> tuple[Any, ...]:
    """The number of cells and other sums over cells, each a function of a block."""
    blocks: Iterable[sp.csr_matrix] = [X] if sp.issparse(X) else X
    added: list[Any] = [0] * (1 + len(parts))
    for block in blocks:
        here = [block.shape[0], *(part(block) for part in parts)]
        added = [before + one for before, one in zip(added, here, strict=True)]
    return tuple(added)


def _per_gene(X: sp.csr_matrix) -> NDArray[np.float64]:
    # in double precision, which scipy's sum of a float32 matrix is not
    return np.asarray(np.bincount(X.indices, weights=X.data, minlength=X.shape[1]), dtype=np.float64)


def _cells_per_gene(X: sp.csr_matrix) -> NDArray[np.intp]:
    return np.asarray(np.bincount(X.indices, minlength=X.shape[1]), dtype=np.intp)


def _shares(X: sp.csr_matrix) -> NDArray[np.float64]:
    """Of each gene, the sum of x^2 over the total of the cell."""
    totals = np.repeat(cell_totals(X), np.diff(X.indptr))
    sums = np.bincount(X.indices, weights=X.data.astype(np.float64) ** 2 / totals, minlength=X.shape[1])
    return np.asarray(sums, dtype=np.float64)
