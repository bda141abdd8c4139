"""Cell-gene association scores as two thin factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


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

    def group_means(self, labels: NDArray[np.integer]) -> Matrix:
        """Mean score of each gene over the cells of each label, labels x genes, without forming R."""
        k = int(labels.max()) + 1
        sums = np.zeros((k, self.cells.shape[1]))
        np.add.at(sums, labels, self.cells)
        means = sums / np.maximum(np.bincount(labels, minlength=k), 1)[:, None]
        return np.asarray(means @ self.genes.T, dtype=np.float32)
