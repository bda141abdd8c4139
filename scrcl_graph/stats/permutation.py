"""Whether a gene is expressed differently in a group of cells: the permutation test without permutations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy import stats

from scrcl_graph.cluster import members

Table = NDArray[np.float64]


@dataclass(frozen=True)
class GroupTest:
    """Each gene in each group against all other cells; every table is genes x groups.

    Attributes
    ----------
    effect
        Mean in the group minus mean in the other cells, in standard deviations of the gene.
    contrast
        Mean in the group minus the mean of the other groups' means, averaged with mean in the group minus the largest
        of them, in standard deviations: raised over all, each group counting once, and over the nearest.
    pvalue
        Two-sided; 1 for a gene without variance.
    padj
        Benjamini-Hochberg over the genes of a group.
    specificity
        The group's part of the gene's abundance when all groups have one size, 0 to 1.
    fraction
        Share of the group's cells that express the gene.
    """

    effect: Table
    contrast: Table
    pvalue: Table
    padj: Table
    specificity: Table
    fraction: Table


def compare_groups(
    X: sp.csr_matrix, labels: NDArray[np.integer], n_groups: int, *, depth: Table | None = None
) -> GroupTest:
    r"""Test each gene in each group, by the permutation distribution of the group's mean.

    Counts are compared as residuals :math:`y_i = (x_i - d_i p) / \sqrt{d_i}`, with d the depth of the cell and
    :math:`p = \sum x / \sum d` the gene's share of all molecules: mean 0 and, for Poisson counts, the same variance
    at every depth, which the logarithm of normalised counts has not. Other values are compared as they are.

    The null hypothesis is that y is exchangeable over the cells: which cell has which label tells nothing about it.
    Under it the mean of the m of n cells of a group is that of a random draw without replacement, whose moments are
    known exactly. With :math:`c_r` the central moments of y over all cells, it has

    .. math:: Var = \frac{n-m}{m(n-1)} c_2, \quad
              E(\cdot)^3 = \frac{(n-m)(n-2m)}{m^2 (n-1)(n-2)} c_3,

    and its tails are taken from the Pearson type III (shifted gamma) distribution with these moments (as Mielke and
    Berry 2007 do for permutation statistics). No label is drawn, so a p-value has no floor and no seed. Ties
    count half: the distribution is taken as continuous. That distribution ends on its short side, for genes of few
    cells before the smallest mean there can be: where it would end within twice the distance of the mean at hand, its
    skewness is made so small that it ends there.

    Parameters
    ----------
    X
        Cells x genes: counts where ``depth`` is given, otherwise log-normalised expression.
    labels
        Group of each cell, 0 to ``n_groups - 1``, none empty.
    n_groups
        At least 2; there must be at least 3 cells.
    depth
        Molecules per cell, over all genes, none 0.
    """
    X, n = sp.csr_matrix(X), len(labels)
    y = _residuals(X, depth)
    size = np.bincount(labels, minlength=n_groups).astype(np.float64)
    member = members(labels, n_groups).T.tocsr()

    def group_mean(values: Table) -> Table:
        sums = member @ sp.csr_matrix((values, X.indices, X.indptr), shape=X.shape)
        return np.asarray(sums.toarray().T / size)

    shift = (group_mean(y.V.data) - np.outer(y.p, member @ y.u / size) - y.mean[:, None]) * y.unit
    z = shift * np.sqrt(size * (n - 1) / (n - size))
    skew = _supported(z, y.third * (n - 2 * size) * np.sqrt((n - 1) / (size * (n - size))) / (n - 2))
    tails = np.minimum(stats.pearson3.sf(z, skew), stats.pearson3.cdf(z, skew))
    pvalue = np.where(y.unit > 0, np.minimum(2 * tails, 1.0), 1.0)

    abundance = group_mean(np.expm1(X.data)) if depth is None else group_mean(X.data) / (member @ depth / size)
    everywhere = abundance.sum(axis=1, keepdims=True)
    return GroupTest(
        effect=shift * n / (n - size),
        contrast=_contrast(shift),
        pvalue=pvalue,
        padj=np.apply_along_axis(benjamini_hochberg, 0, pvalue),
        specificity=np.divide(abundance, everywhere, out=np.zeros_like(abundance), where=everywhere > 0),
        fraction=group_mean(np.ones_like(y.V.data)),
    )


def _supported(z: Table, skew: Table) -> Table:
    """Skewness with which a Pearson type III does not end, at -2 / skew, before 2 z: beyond its end p would be 0."""
    most = 1 / np.maximum(np.abs(z), 1e-12)
    return np.where(z * skew < 0, np.clip(skew, -most, most), skew)


def _contrast(means: Table) -> Table:
    """Each group against the mean and the largest of the others."""
    others = [np.delete(means, group, axis=1) for group in range(means.shape[1])]
    rivals = np.stack([(part.mean(axis=1) + part.max(axis=1)) / 2 for part in others], axis=1)
    return np.asarray(means - rivals)


@dataclass(frozen=True)
class WeightedTest:
    """Each gene in each weighted mean of cells; every table is genes x means.

    Attributes
    ----------
    effect
        The weighted mean minus the mean of all cells, in standard deviations of the gene.
    pvalue
        One-sided, of a larger effect; 1 for a gene without variance.
    """

    effect: Table
    pvalue: Table


def compare_weighted(X: sp.csr_matrix, weights: sp.csr_matrix, *, depth: Table | None = None) -> WeightedTest:
    r"""Test whether genes are raised in weighted means of cells: :func:`compare_groups` for any weights, one-sided.

    With w the weights of the n cells less their mean and y the values less theirs, the sum of w y over exchangeable
    cells has

    .. math:: Var = \frac{\sum w^2 \sum y^2}{n-1}, \quad E(\cdot)^3 = \frac{n \sum w^3 \sum y^3}{(n-1)(n-2)}.

    Parameters
    ----------
    X, depth
        As in :func:`compare_groups`.
    weights
        Means x cells; rows sum to one.
    """
    X, n = sp.csr_matrix(X), X.shape[0]
    y = _residuals(X, depth)
    mean = np.asarray((weights @ y.V).toarray().T) - np.outer(y.p, weights @ y.u)
    effect = (mean - y.mean[:, None]) * y.unit
    square = np.asarray(weights.power(2).sum(axis=1)).ravel() - 1 / n
    cube = np.asarray(weights.power(3).sum(axis=1)).ravel() - 3 * (square + 1 / n) / n + 2 / n**2
    square[square < 1e-12] = np.inf  # a mean of all cells cannot be raised
    z = effect * np.sqrt((n - 1) / (n * square))
    skew = _supported(z, y.third * cube / square**1.5 * np.sqrt(n * (n - 1)) / (n - 2))
    return WeightedTest(effect, np.where(y.unit > 0, stats.pearson3.sf(z, skew), 1.0))


@dataclass(frozen=True)
class _Residuals:
    """Y = V - u p, with the mean, one over the standard deviation (or 0) and the skewness of its columns."""

    V: sp.csr_matrix
    u: Table
    p: Table
    mean: Table
    unit: Table
    third: Table


def _residuals(X: sp.csr_matrix, depth: Table | None) -> _Residuals:
    """Moments from sparse sums; ``unit`` and ``third`` are columns."""
    n = X.shape[0]
    u = np.ones(n) if depth is None else np.sqrt(depth)
    rows = np.repeat(u, np.diff(X.indptr))
    V = X.data / rows

    def total(values: Table) -> Table:
        return np.bincount(X.indices, weights=values, minlength=X.shape[1]).astype(np.float64)

    p = total(V * rows) / (u**2).sum()
    mean = total(V) / n - p * u.mean()
    square = total(V**2) / n - p**2 * (u**2).mean()
    cube = (total(V**3) - 3 * p * total(V**2 * rows) + 3 * p**2 * total(V * rows**2)) / n - p**3 * (u**3).mean()
    variance = np.maximum(square - mean**2, 0.0)
    unit = np.divide(1.0, np.sqrt(variance), out=np.zeros_like(variance), where=variance > 1e-12)[:, None]
    third = (cube - 3 * mean * square + 2 * mean**3)[:, None] * unit**3
    return _Residuals(sp.csr_matrix((V, X.indices, X.indptr), shape=X.shape), u, p, mean, unit, third)


def benjamini_hochberg(pvalues: Table) -> Table:
    """False discovery rate at which each of a family of tests would be called (Benjamini and Hochberg 1995)."""
    return np.asarray(stats.false_discovery_control(pvalues, method="bh"))
