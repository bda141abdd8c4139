"""Cell-gene association scores as two thin factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph.cluster import members, unit_rows

Matrix = NDArray[np.float32]
Rows: TypeAlias = NDArray[Any] | slice


@dataclass(frozen=True)
class AssociationFactors:
    r"""Scores :math:`R = C G^\top`: how much more a gene is tied to a cell than to the average cell.

    With the default preset a score estimates the gene's expression in the cell, in standard deviations from its mean.

    Attributes
    ----------
    cells
        C, n x d, columns of mean zero.
    genes
        G, genes x d.
    """

    cells: Matrix
    genes: Matrix

    def take(self, *, cells: Rows = slice(None), genes: Rows = slice(None)) -> AssociationFactors:
        """The factors of some cells and genes, for scores relative to the same average cell."""
        return AssociationFactors(self.cells[cells], self.genes[genes])

    def split(self, n_runs: int) -> list[AssociationFactors]:
        """The factors of each of the networks whose scores were averaged."""
        return [
            AssociationFactors(cells, genes)
            for cells, genes in zip(np.split(self.cells, n_runs, 1), np.split(self.genes, n_runs, 1), strict=True)
        ]

    def scores(self) -> Matrix:
        """R, n x genes: take few cells or few genes first."""
        return np.asarray(self.cells @ self.genes.T)

    def profiles(self) -> Matrix:
        r"""A unit vector per gene, genes x d, whose inner products are the correlations of scores over the cells.

        With :math:`C^\top C = V \Lambda V^\top`, the rows of :math:`G V \Lambda^{1/2}` scaled to unit length.
        """
        values, V = np.linalg.eigh(self.cells.T.astype(np.float64) @ self.cells)
        return unit_rows(self.genes @ (V * np.sqrt(np.maximum(values, 0))))

    def group_means(self, labels: NDArray[np.integer]) -> Matrix:
        """Mean score of each gene over the cells of each label, labels x genes, without forming R."""
        k = int(labels.max()) + 1
        means = members(labels, k).T @ self.cells / np.maximum(np.bincount(labels, minlength=k), 1)[:, None]
        return np.asarray(means @ self.genes.T, dtype=np.float32)

    def morans_i(self, adjacency: sp.csr_matrix) -> NDArray[np.float64]:
        r"""Moran's I of each gene's scores over a graph of the cells, without forming R.

        :math:`I_g = \frac{n}{\sum A} \frac{s^\top A s}{s^\top s}` (Moran 1950) with the scores :math:`s = C g` of mean
        zero needs of the cells only the d x d matrices :math:`C^\top A C` and :math:`C^\top C`. NaN for a gene without
        scores and where there are no edges.

        Parameters
        ----------
        adjacency
            n x n, symmetric, without self loops.
        """
        centred = self.cells - self.cells.mean(axis=0, dtype=np.float64)
        genes = self.genes.astype(np.float64)

        def forms(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(((genes @ matrix) * genes).sum(axis=1))

        near, own = forms(centred.T @ (adjacency @ centred)), forms(centred.T @ centred)
        below = own * (adjacency.sum() / len(centred))
        return np.asarray(np.divide(near, below, out=np.full(len(genes), np.nan), where=below > 0))
