"""From a user's matrix to the expression and coordinates a model works on, the same way for old and new cells."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from scrcl_graph import _preprocess as pre
from scrcl_graph import gr
from scrcl_graph._errors import InputError
from scrcl_graph._matrix import Matrix

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """What was learned about the input: which genes are used and where cells are placed.

    Attributes
    ----------
    genes
        Names of the genes used, in order.
    coordinates
        From log-normalised expression of these genes, or from what the user brought, to the coordinates of cells.
    unit
        What the values of the training matrix were.
    scales
        How coordinates are smoothed over the tissue, or None where position is not used.
    alignment
        What slices are aligned to, or None where the model was trained on one slice.
    """

    genes: tuple[str, ...]
    coordinates: gr.Joined | gr.Given
    unit: pre.Unit
    scales: gr.Scales | None = None
    alignment: gr.Alignment | None = None

    def place_new(
        self, log_X: sp.csr_matrix, rep: ArrayLike | None, adjacent: sp.csr_matrix | None, library: ArrayLike | None
    ) -> NDArray[np.float32]:
        """Coordinates of new cells as the network gets them: placed, smoothed over their tissue, aligned by slice.

        Without ``library`` all new cells are one slice.
        """
        x = self.place(log_X, rep)
        if self.scales is not None and adjacent is not None:
            x = self.scales.transform(x, adjacent)
        slices = number_slices(library, len(x))
        if self.alignment is not None:
            x = self.alignment.transform(x, np.zeros(len(x), dtype=np.intp) if slices is None else slices)
        return x

    def place(self, log_X: sp.csr_matrix, rep: ArrayLike | None) -> NDArray[np.float32]:
        """Coordinates of cells, n x d.

        Raises
        ------
        InputError
            If coordinates are given and the model makes its own, or the other way round, or their shape is wrong.
        """
        if isinstance(self.coordinates, gr.Given):
            if rep is None:
                raise InputError("this model was trained on coordinates from use_rep: pass them for the new cells too")
            array = check_rep(rep, log_X.shape[0])
            if array.shape[1] != len(self.coordinates.center):
                raise InputError(
                    f"the coordinates to start from (use_rep) have {array.shape[1]} dimensions, "
                    f"the model was trained on {len(self.coordinates.center)}"
                )
            return self.coordinates.transform(array)
        if rep is not None:
            raise InputError("this model makes its own coordinates: leave use_rep out")
        return self.coordinates.transform(log_X)

    def read(
        self, X: object, genes: Sequence[str] | None, state: pre.InputState | None
    ) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """Expression of the model's genes for any cells: log-normalised, and as it was given.

        Raises
        ------
        InputError
            If none of the model's genes is there, or the matrix cannot be used.
        """
        matrix = Matrix(X, state, smallest=1, known=self.unit)
        names = gene_names(genes, matrix.shape[1])
        position = {name: i for i, name in enumerate(names)}
        here = np.array([position.get(gene, -1) for gene in self.genes])
        missing = [gene for gene, i in zip(self.genes, here, strict=True) if i < 0]
        if len(missing) == len(self.genes):
            raise InputError(
                f"none of the {len(self.genes)} genes of the model is among the {len(names)} genes given: "
                f"the model knows names such as {', '.join(self.genes[:3])}, the data {', '.join(names[:3])}"
            )
        if missing:
            logger.warning(
                "%d of the model's %d genes are missing and count as not expressed, e.g. %s",
                len(missing),
                len(self.genes),
                ", ".join(missing[:5]),
            )
        found = np.flatnonzero(here >= 0)
        values, totals = matrix.take(here[found])
        shape = (matrix.shape[0], len(self.genes))
        values = sp.csr_matrix((values.data, found.astype(np.int32)[values.indices], values.indptr), shape=shape)
        values.sort_indices()
        return pre.log_normalize(values, matrix.state, totals), values


def gene_names(genes: Sequence[str] | None, n_genes: int) -> tuple[str, ...]:
    """The names as strings, or ``gene_0`` and so on.

    Raises
    ------
    InputError
        If the number of names is wrong or a name occurs twice.
    """
    if genes is None:
        return tuple(f"gene_{i}" for i in range(n_genes))
    names = tuple(str(gene) for gene in genes)
    if len(names) != n_genes:
        raise InputError(f"there are {n_genes} genes in the matrix and {len(names)} gene names: they must match")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"gene names must be unique, '{twice}' occurs more than once: call adata.var_names_make_unique()"
        )
    return names


def check_rep(rep: ArrayLike, n_cells: int) -> NDArray[np.float32]:
    """Coordinates brought by the user as a finite n x d float32 array, or InputError."""
    try:
        array = np.asarray(rep, dtype=np.float32)
    except (TypeError, ValueError) as err:
        raise InputError("the coordinates to start from (use_rep) must be a numeric cells x dimensions array") from err
    if array.ndim != 2 or len(array) != n_cells or not np.isfinite(array).all():
        raise InputError(
            f"the coordinates to start from (use_rep) must be finite, one row for each of the {n_cells} cells; "
            f"their shape is {array.shape}"
        )
    return array


def number_slices(library: ArrayLike | None, n_cells: int) -> NDArray[np.intp] | None:
    """Slices as numbers 0, 1, ..., or None where there is one; InputError where they are not one per cell."""
    if library is None:
        return None
    names = np.asarray(library)
    if names.shape != (n_cells,):
        raise InputError(f"there are {n_cells} cells and library labels of shape {names.shape}: one per cell is needed")
    different, numbers = np.unique(names, return_inverse=True)
    return np.asarray(numbers, dtype=np.intp) if len(different) > 1 else None
