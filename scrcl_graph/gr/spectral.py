"""Coordinates of cells and genes in one space of few dimensions, from the sparse expression matrix.

Two maps share one form. With ``X`` the log-normalised expression, on the scale of its pseudocount, and ``G`` the gene
step (identity without it):

* correspondence analysis: the SVD of ``D_r^-1/2 (P - r c^T) D_c^-1/2`` with ``P = X G / sum(X G)`` and margins r, c;
* PCA: the SVD of ``(X - 1 mu^T) D^-1 G``, D the standard deviations where genes are scaled.

Both are sparse products plus a rank-one term, so the SVD is taken of an implicit operator and nothing of size
cells x genes is ever dense. Both end in an affine map of a cell's own expression, which is also how a new cell
is placed: the transition formula of correspondence analysis, the projection of PCA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, LinearOperator, svds

from scrcl_graph._errors import InputError
from scrcl_graph.gr.genes import column_moments
from scrcl_graph.gr.pseudocount import relog

Matrix = NDArray[np.float32]

CLIP = 10.0  # scaled values are cut this many standard deviations above the mean


@dataclass(frozen=True)
class Coordinates:
    """An affine map from log-normalised expression to d coordinates, fitted once and applied to any cells.

    Attributes
    ----------
    loadings
        Genes x d.
    offset
        d, subtracted.
    genes
        Genes x d: the genes in the same space, unit mean square.
    decoder
        Genes x d: ``transform(X) @ decoder.T`` estimates the z-scores of expression; zeros where the map is not
        about z-scores (correspondence analysis).
    pseudocount
        By gene (:mod:`scrcl_graph.gr.pseudocount`), or None for expression as it is.
    ceiling
        Largest value per gene, or None.
    profiles
        Whether a cell enters divided by its sum.
    """

    loadings: Matrix
    offset: Matrix
    genes: Matrix
    decoder: Matrix
    pseudocount: Matrix | None = None
    ceiling: Matrix | None = None
    profiles: bool = False

    def transform(self, X: sp.csr_matrix) -> Matrix:
        """Coordinates of cells, n x d float32, from n x genes."""
        if self.pseudocount is not None:
            X = relog(X, self.pseudocount)
        if self.ceiling is not None:
            X = _clip(X, self.ceiling)
        if self.profiles:
            X = sp.diags_array(_inverse(np.asarray(X.sum(axis=1), dtype=np.float64).ravel())) @ X
        return np.asarray(X @ self.loadings - self.offset, dtype=np.float32)


@dataclass(frozen=True)
class Joined:
    """Several maps side by side, each divided by its spread over the cells it was fitted on.

    Attributes
    ----------
    parts
        The maps.
    spreads
        Root mean variance of each map's coordinates.
    """

    parts: tuple[Coordinates, ...]
    spreads: tuple[float, ...]

    def transform(self, X: sp.csr_matrix) -> Matrix:
        """Coordinates of cells, n x (sum of d), from n x genes."""
        return np.hstack([part.transform(X) / s for part, s in zip(self.parts, self.spreads, strict=True)])

    @property
    def genes(self) -> Matrix:
        """Coordinates of the genes, genes x (sum of d)."""
        return np.hstack([part.genes for part in self.parts])

    @property
    def decoder(self) -> Matrix:
        """Genes x (sum of d); see :class:`Coordinates`."""
        return np.hstack([part.decoder * s for part, s in zip(self.parts, self.spreads, strict=True)])


@dataclass(frozen=True)
class Given:
    """Coordinates that a user brought, centred and scaled, with the genes placed by regression.

    Attributes
    ----------
    center
        d, subtracted.
    spread
        One number to divide by.
    genes, decoder
        Genes x d; see :class:`Coordinates`.
    """

    center: Matrix
    spread: float
    genes: Matrix
    decoder: Matrix

    def transform(self, rep: Matrix) -> Matrix:
        """Coordinates of cells, n x d, from what the user brought for them."""
        return np.asarray((rep - self.center) / self.spread, dtype=np.float32)


def given(rep: Matrix, X: sp.csr_matrix) -> Given:
    """Take coordinates as they are; the decoder is the least-squares regression of z-scored genes on them."""
    center = rep.mean(axis=0, dtype=np.float64)
    centred = rep - center
    spread = float(np.sqrt((centred**2).mean())) or 1.0
    decoder = _regressed(centred / spread, X)
    return Given(center.astype(np.float32), spread, _unit_mean_square(decoder), decoder.astype(np.float32))


def _regressed(F: NDArray[np.float64], X: sp.csr_matrix) -> NDArray[np.float64]:
    """Decoder by least squares of the z-scored genes on coordinates of mean zero: the genes need no centring then."""
    std = column_moments(X)[1]
    cross = np.where(std > 1e-6, _inverse(std), 0.0)[:, None] * (X.T @ F)
    decoder: NDArray[np.float64] = np.linalg.lstsq(F.T @ F, cross.T, rcond=None)[0].T
    return decoder


def join(parts: Sequence[Coordinates], X: sp.csr_matrix) -> Joined:
    """Put maps side by side so that each contributes the same spread and all entries have unit mean square.

    Where no map is about z-scores, or more than one, they are regressed on the coordinates for a decoder.
    """
    fitted = [part.transform(X) for part in parts]
    spreads = [float(np.sqrt(placed.var(axis=0, dtype=np.float64).mean())) or 1.0 for placed in fitted]
    if sum(part.decoder.any() for part in parts) != 1:
        F = np.hstack(fitted).astype(np.float64)
        decoder = _regressed(F - F.mean(axis=0), X).astype(np.float32)
        ends = np.cumsum([placed.shape[1] for placed in fitted])[:-1]
        parts = [replace(part, decoder=d) for part, d in zip(parts, np.split(decoder, ends, axis=1), strict=True)]
    return Joined(tuple(parts), tuple(spreads))


def correspondence(
    X: sp.csr_matrix,
    n_components: int = 30,
    *,
    seed: int = 0,
    gene_step: sp.csr_matrix | None = None,
    pseudocount: Matrix | None = None,
) -> Coordinates:
    """Correspondence analysis of cells and genes (transition formula as in Greenacre 1984).

    Parameters
    ----------
    X
        Log-normalised expression, cells x genes.
    n_components
        d; less where the matrix is smaller.
    seed
        Of the SVD's start vector. The result does not depend on it beyond rounding.
    gene_step
        Genes x genes with rows that sum to one (:func:`scrcl_graph.gr.gene_step`), so that a cell's total is kept.
    pseudocount
        By gene, such as :func:`scrcl_graph.gr.one_molecule`; None takes expression as it is.
    """
    if pseudocount is not None:
        X = relog(X, pseudocount)
    step = _identity(X.shape[1]) if gene_step is None else gene_step
    total = float(X.sum(dtype=np.float64))
    r = np.asarray(X.sum(axis=1), dtype=np.float64).ravel() / total
    c = np.asarray(step.T @ np.asarray(X.sum(axis=0), dtype=np.float64).ravel(), dtype=np.float64) / total
    left, right = np.sqrt(_inverse(r)), np.sqrt(_inverse(c))
    operator = _implicit(X, step, left / total, right, np.sqrt(r), np.sqrt(c))
    values, V = _svd(operator, n_components, seed)
    standard = right[:, None] * V
    return Coordinates(
        loadings=np.asarray(step @ standard, dtype=np.float32),
        offset=(c @ standard).astype(np.float32),
        genes=_unit_mean_square(standard * values),
        decoder=np.zeros_like(standard, dtype=np.float32),
        pseudocount=pseudocount,
        profiles=True,
    )


def pca(
    X: sp.csr_matrix,
    n_components: int = 30,
    *,
    seed: int = 0,
    gene_step: sp.csr_matrix | None = None,
    pseudocount: Matrix | None = None,
    scale: bool = True,
) -> Coordinates:
    """Principal components of expression, never centred explicitly.

    Parameters
    ----------
    X
        Log-normalised expression, cells x genes.
    n_components
        d; less where the matrix is smaller.
    seed
        Of the SVD's start vector. The result does not depend on it beyond rounding.
    gene_step
        Genes x genes, applied to the centred (and scaled) genes.
    pseudocount
        By gene, such as :func:`scrcl_graph.gr.mean_abundance`; None takes expression as it is.
    scale
        Divide genes by their standard deviation, after clipping at the mean plus 10 standard deviations.
    """
    step = _identity(X.shape[1]) if gene_step is None else gene_step
    if pseudocount is not None:
        X = relog(X, pseudocount)
    n = X.shape[0]
    mean, std = column_moments(X)
    ceiling = None
    if scale:
        ceiling = (mean + CLIP * std).astype(np.float32)
        X = _clip(X, ceiling)
        mean, std = column_moments(X)
    inverse = np.where(std > 1e-6, _inverse(std), 0.0)
    spread = sp.diags_array(inverse if scale else np.ones(X.shape[1]))
    map_ = sp.csr_matrix(spread @ step)
    shift = np.asarray(map_.T @ mean)
    operator = _implicit(X, map_, np.ones(n), np.ones(X.shape[1]), np.ones(n), shift)
    values, V = _svd(operator, n_components, seed)
    return Coordinates(
        loadings=np.asarray(map_ @ V, dtype=np.float32),
        offset=(shift @ V).astype(np.float32),
        genes=_unit_mean_square(V * values),
        decoder=(V if scale else inverse[:, None] * V).astype(np.float32),
        pseudocount=pseudocount,
        ceiling=ceiling,
    )


def _implicit(
    X: sp.csr_matrix,
    step: sp.csr_matrix,
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    u: NDArray[np.float64],
    v: NDArray[np.float64],
) -> LinearOperator:
    """``diag(left) X step diag(right) - u v^T`` as products only."""
    X, step = X.astype(np.float64), step.astype(np.float64)  # once: each product would convert them again
    Xt, step_t = X.T, step.T

    def matvec(b: NDArray[np.float64]) -> NDArray[np.float64]:
        b = b.ravel()
        out: NDArray[np.float64] = left * (X @ (step @ (right * b))) - u * (v @ b)
        return out

    def rmatvec(b: NDArray[np.float64]) -> NDArray[np.float64]:
        b = b.ravel()
        out: NDArray[np.float64] = right * (step_t @ (Xt @ (left * b))) - v * (u @ b)
        return out

    return LinearOperator(X.shape, matvec=matvec, rmatvec=rmatvec, dtype=np.float64)


def _svd(operator: LinearOperator, k: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The leading singular values (decreasing) and right vectors, signs fixed by each vector's largest entry."""
    k = min(k, min(operator.shape) - 1)
    start = np.random.default_rng(seed).standard_normal(min(operator.shape))
    try:
        _, values, Vt = svds(operator, k=k, v0=start, return_singular_vectors="vh")
    except ArpackError as err:
        raise InputError("all cells have the same expression profile: there is nothing to tell them apart by") from err
    order = np.argsort(-values)
    V = Vt[order].T
    return values[order], V * np.sign(V[np.abs(V).argmax(axis=0), np.arange(k)])


def _clip(X: sp.csr_matrix, ceiling: Matrix) -> sp.csr_matrix:
    out = X.copy()
    out.data = np.minimum(out.data, ceiling[out.indices])
    return out


def _inverse(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(1.0, x, out=np.zeros_like(x), where=x > 0)


def _unit_mean_square(x: NDArray[np.float64]) -> Matrix:
    size = np.sqrt((x**2).mean())
    return (x / size if size > 0 else x).astype(np.float32)


def _identity(n: int) -> sp.csr_matrix:
    return sp.csr_matrix(sp.identity(n, dtype=np.float32, format="csr"))
