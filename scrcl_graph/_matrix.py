"""A cells x genes matrix in blocks of cells, in memory or read from where it lies: a backed file or a dask array."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph import _preprocess as pre
from scrcl_graph._errors import InputError

BLOCK = 16_000_000  # stored entries of a block: some 130 MB as CSR


class Matrix:
    """Expression of all genes, of which only a block of cells and the genes taken are copied.

    Parameters
    ----------
    X
        Anything :func:`~scrcl_graph._preprocess.as_csr` takes; or, not in memory, a sparse dataset of anndata by rows,
        a dense dataset of h5py or zarr, or a dask array with blocks of either kind.
    given
        What the values are; None detects it. Logarithms of base 2 or 10 are read as natural ones, where that can be
        told (:class:`~scrcl_graph._preprocess.Unit`).
    smallest
        Cells and genes that are needed.
    known
        Unit of like cells, for cells that do not tell theirs.

    Attributes
    ----------
    shape
        Cells, genes.
    unit
        What the values are. Of a matrix that is not in memory: of its first cells, until it was read once.

    Raises
    ------
    InputError
        If the matrix cannot be used; of one that is not in memory, also while it is read.
    """

    unit: pre.Unit

    def __init__(
        self, X: Any, given: pre.InputState | None = None, *, smallest: int = 2, known: pre.Unit | None = None
    ) -> None:
        self._given, self._known = pre.check_state(given), known
        self._lazy = not_in_memory(X)
        self._X = X if self._lazy else pre.as_csr(X, smallest=smallest)
        self.shape: tuple[int, int] = self._X.shape
        pre.check_shape(self.shape, smallest)
        self._cuts = _cuts(self._X)
        blocks = self._read()
        if self._lazy:
            blocks = itertools.islice((block for block in blocks if block.nnz), 1)
        seen = pre.Seen()
        for block in blocks:
            seen.add(block)
        self.unit = pre.Unit("counts") if self._lazy and seen.stored == 0 else self._told(seen)

    @property
    def state(self) -> pre.InputState:
        """Abundances or logarithms."""
        return self.unit.state

    def __iter__(self) -> Iterator[sp.csr_matrix]:
        """Blocks of cells, in order, as float32 CSR without explicit zeros."""
        seen, base = pre.Seen(), self.unit.base
        for block in self._read():
            if self._lazy:
                seen.add(block)
            yield pre.natural_log(block, base)
        if self._lazy:
            self.unit = self._told(seen)

    def take(self, columns: NDArray[np.intp]) -> tuple[sp.csr_matrix, NDArray[np.float64]]:
        """Some genes, cells x len(columns), and the sum of each cell over all genes."""
        unit = self.unit
        totals, data, indices, lengths = [], [], [], []
        for block in self:
            totals.append(pre.cell_totals(block))
            part = block[:, columns]
            data.append(part.data)
            indices.append(part.indices.astype(np.int32, copy=False))
            lengths.append(np.diff(part.indptr))
        if self.unit != unit:  # its first cells misled
            return self.take(columns)
        pointer = np.concatenate([[0], np.cumsum(np.concatenate(lengths), dtype=np.int64)])
        shape = (self.shape[0], len(columns))
        return sp.csr_matrix((_joined(data), _joined(indices), pointer), shape=shape), np.concatenate(totals)

    def _told(self, seen: pre.Seen) -> pre.Unit:
        """What was found, unless the user says otherwise."""
        found = seen.unit(self._known)
        return found if self._given in (None, found.state) else pre.Unit(self._given)

    def _read(self) -> Iterator[sp.csr_matrix]:
        if len(self._cuts) == 2 and not self._lazy:
            yield self._X
            return
        for start, stop in zip(self._cuts[:-1], self._cuts[1:], strict=True):
            rows = _rows(self._X, start, stop)
            yield pre.as_csr(rows, smallest=0) if self._lazy else rows


def not_in_memory(X: Any) -> bool:
    """Whether X is a matrix from which rows have to be read. InputError if they cannot be."""
    if isinstance(X, np.ndarray) or sp.issparse(X) or not hasattr(X, "shape") or hasattr(X, "iloc"):
        return False
    if np.isnan(np.asarray(X.shape, dtype=float)).any():
        raise InputError("the expression matrix has blocks of unknown size: call X.compute_chunk_sizes() first")
    if getattr(X, "format", "csr") != "csr":
        raise InputError(
            "the expression matrix is stored by genes (CSC), so that cells cannot be read one after the other: load it "
            "with adata.to_memory(), or store it as CSR"
        )
    return True


def first_cells(X: Any) -> Any:
    """X, or of a matrix that is not in memory its first block."""
    return _rows(X, 0, _cuts(X)[1]) if not_in_memory(X) else X


def _rows(X: Any, start: int, stop: int) -> Any:
    try:
        rows = X[start:stop]
        return rows.compute() if hasattr(rows, "compute") else rows
    except OSError as err:
        raise InputError(f"the expression matrix cannot be read from its file, which may be broken: {err}") from err


def _cuts(X: Any) -> NDArray[np.int64]:
    """Where blocks begin and end: blocks of dask are kept, others hold ``BLOCK`` entries or one cell."""
    n_cells, n_genes = X.shape
    if hasattr(X, "chunks") and hasattr(X, "compute"):
        return np.concatenate([[0], np.cumsum(X.chunks[0])])
    if sp.issparse(X):
        stored = X.indptr
    else:
        stored = np.asarray(X.group["indptr"]) if hasattr(X, "group") else np.arange(n_cells + 1) * n_genes
    cuts = [0]
    while cuts[-1] < n_cells:
        end = np.searchsorted(stored, int(stored[cuts[-1]]) + BLOCK, side="right") - 1
        cuts.append(max(cuts[-1] + 1, int(end)))
    return np.array(cuts)


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """One array; the parts are let go."""
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    parts.clear()
    return whole
