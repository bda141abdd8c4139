"""Cells as plain arrays, and the graph of those a model was trained on, which other cells are attached to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch_geometric.data import HeteroData

from scrcl_graph import gr
from scrcl_graph.cluster import unit_rows
from scrcl_graph.nn.ops import edges_from_csr

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Cells:
    """Cells as the network gets them.

    Attributes
    ----------
    x
        Coordinates, n x d.
    expression
        n x genes: what the cell-gene edges carry before weighting.
    adjacent
        n x n spatial graph of ones, or None without positions.
    """

    x: Matrix
    expression: sp.csr_matrix
    adjacent: sp.csr_matrix | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.intp]) -> Cells:
        """Some of the cells and the edges between them."""
        if len(rows) == len(self) and (rows[:-1] < rows[1:]).all():
            return self
        adjacent = None if self.adjacent is None else self.adjacent[rows][:, rows]
        return Cells(self.x[rows], self.expression[rows], adjacent)

    def tiles(self, rows: NDArray[np.intp], size: int) -> Iterator[tuple[NDArray[np.intp], Cells]]:
        """These cells in parts of at most ``size``, each followed by the cells around it (its halo).

        The halo holds all cells within :data:`gr.HALO` steps of the spatial graph, so that a part gets every message
        it would get among all cells; parts follow the tissue, which keeps the halo small.
        """
        if self.adjacent is None or len(rows) == len(self) <= size:
            for start in range(0, len(rows), size):
                part = rows[start : start + size]
                yield part, self.take(part)
            return
        place = np.empty(len(self), dtype=np.intp)
        place[gr.along_tissue(self.adjacent)] = np.arange(len(self))
        rows = rows[np.argsort(place[rows])]
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            yield part, self.take(np.concatenate([part, gr.halo(self.adjacent, part)]))


@dataclass(frozen=True)
class Reference:
    """Arrays of the graph of n cells and g genes.

    Attributes
    ----------
    cell_x, gene_x
        Coordinates, n x d and g x d.
    decoder
        g x d; see :class:`scrcl_graph.gr.Coordinates`.
    expression
        n x g: what the cell-gene edges carry before weighting.
    similar
        n x n graph of ones.
    coexpressed
        g x g, signed.
    adjacent
        n x n graph of ones, or None without positions.
    column_sums
        g: by which, with a cell's own sum, its edges are weighted; None keeps the raw values.
    """

    cell_x: Matrix
    gene_x: Matrix
    decoder: Matrix
    expression: sp.csr_matrix
    similar: sp.csr_matrix
    coexpressed: sp.csr_matrix
    adjacent: sp.csr_matrix | None = None
    column_sums: NDArray[np.float64] | None = None

    def to_hetero(self) -> HeteroData:
        """The graph."""
        adjacent = None if self.adjacent is None else gr.propagation(self.adjacent)
        return self._hetero(self.cell_x, self._edge_weights(self.expression), gr.propagation(self.similar), adjacent)

    def attach(self, cells: Cells, *, n_neighbors: int, seed: int) -> HeteroData:
        """The graph with m new cells after the n known ones.

        Messages flow from known cells to new ones and never back, so what becomes of a new cell depends on the model
        and on the cell alone (and, with positions, on the new cells around it).
        """
        n, m = len(self.cell_x), len(cells)
        new_x, known_x = cells.x, self.cell_x
        if self.column_sums is None:  # the graph of the paper is by cosine
            new_x, known_x = unit_rows(new_x), unit_rows(known_x)
        nearest = gr.nearest(new_x, known_x, n_neighbors=n_neighbors, seed=seed)
        degree = np.diff(self.similar.indptr)
        weight = 1.0 / np.sqrt((nearest.shape[1] + 1.0) * (degree[nearest] + 1.0))
        rows = np.repeat(np.arange(m), nearest.shape[1])
        inward = sp.csr_matrix((weight.ravel(), (rows, nearest.ravel())), shape=(m, n), dtype=np.float32)
        similar = sp.block_array([[gr.propagation(self.similar), None], [inward, sp.csr_matrix((m, m))]], format="csr")
        adjacent = None
        if self.adjacent is not None:
            own = sp.csr_matrix((m, m), dtype=np.float32) if cells.adjacent is None else cells.adjacent
            adjacent = sp.block_diag([gr.propagation(self.adjacent), gr.propagation(own)], format="csr")
        known, new = self._edge_weights(self.expression), self._edge_weights(cells.expression)
        data = self._hetero(
            np.vstack([self.cell_x, cells.x]),
            sp.vstack([known, new], format="csr"),
            similar,
            adjacent,
        )
        silent = sp.vstack([known, sp.csr_matrix(new.shape, dtype=np.float32)], format="csr")
        data[gr.EXPRESSES].edge_index, data[gr.EXPRESSES].edge_weight = edges_from_csr(silent.T.tocsr())
        return data

    def _edge_weights(self, expression: sp.csr_matrix) -> sp.csr_matrix:
        if self.column_sums is None:
            return expression
        return gr.correspondence_kernel(expression, self.column_sums)

    def _hetero(
        self, cell_x: Matrix, expression: sp.csr_matrix, similar: sp.csr_matrix, adjacent: sp.csr_matrix | None
    ) -> HeteroData:
        data = gr.cell_gene_graph(
            cell_x=cell_x,
            gene_x=self.gene_x,
            expression=expression,
            similar=similar,
            adjacent=adjacent,
            coexpressed=self.coexpressed,
        )
        data["gene"].decoder = torch.from_numpy(self.decoder)
        return data
