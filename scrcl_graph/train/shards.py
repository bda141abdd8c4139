"""Cutting the graph: each process or tile gets its cells, the edges into them, and all genes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch_geometric.data import HeteroData

from scrcl_graph.nn.ops import csr_from_edges, edges_from_csr

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Shard:
    """A part of the cells: what one process holds, as arrays that can be sent, or a tile in one process.

    The cells are its own; sources of edges between cells are its own and then its halo, the cells of other parts
    that send messages to them, in the order of the parts.

    Attributes
    ----------
    nodes
        Tensors by node type and name.
    relations
        Destinations x sources by edge type.
    sources
        Which cells of the whole graph the own cells and the halo are.
    sends
        For each process the own cells it needs, by their place here.
    receives
        How many cells come from each process.
    """

    nodes: dict[str, dict[str, NDArray[Any]]]
    relations: dict[tuple[str, str, str], sp.csr_matrix]
    sources: Rows
    sends: list[Rows]
    receives: list[int]

    def to_hetero(self) -> HeteroData:
        """The graph of this shard."""
        data = HeteroData()
        for kind, arrays in self.nodes.items():
            for name, array in arrays.items():
                data[kind][name] = torch.from_numpy(array)
        for relation, matrix in self.relations.items():
            edges, weight = edges_from_csr(matrix)
            data[relation].edge_index, data[relation].edge_weight = edges, weight.to(data["cell"].x.dtype)
        return data


def by_locality(x: NDArray[np.floating], n_parts: int) -> list[Rows]:
    """Cells in parts of equal size that lie close together, so that few edges join two parts.

    The cells are cut across the direction in which they spread most, and the pieces again.

    Parameters
    ----------
    x
        Coordinates, n x d.
    n_parts
        How many.

    Returns
    -------
    The cells of each part in ascending order.
    """

    def cut(rows: Rows, parts: int) -> list[Rows]:
        if parts == 1:
            return [np.sort(rows)]
        centred = x[rows] - x[rows].mean(axis=0)
        along = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
        first = len(rows) * (parts // 2) // parts
        order = np.argsort(along, kind="stable")
        return cut(rows[order[:first]], parts // 2) + cut(rows[order[first:]], parts - parts // 2)

    return cut(np.arange(len(x)), n_parts)


def cut(data: HeteroData, parts: list[Rows]) -> Iterator[Shard]:
    """The shards of these parts of the cells, made one at a time."""
    matrices = {
        relation: csr_from_edges(data[relation].edge_index, data[relation].edge_weight) for relation in data.edge_types
    }
    to_genes = {relation: matrix.tocsc() for relation, matrix in matrices.items() if relation[::2] == ("cell", "gene")}
    between = [relation for relation in matrices if relation[0] == relation[2] == "cell"]
    owner, place = (np.empty(data["cell"].num_nodes, dtype=np.intp) for _ in range(2))
    for process, part in enumerate(parts):
        owner[part], place[part] = process, np.arange(len(part))
    halos = []
    for process, part in enumerate(parts):
        around = np.unique(np.concatenate([matrices[relation][part].indices for relation in between]))
        around = around[owner[around] != process]
        halos.append(around[np.argsort(owner[around], kind="stable")])
    nodes = {kind: {name: value.cpu().numpy() for name, value in data[kind].items()} for kind in data.node_types}
    for process, part in enumerate(parts):
        relations = {}
        sources = np.concatenate([part, halos[process]])
        for relation, matrix in matrices.items():
            if relation in between:
                relations[relation] = matrix[part][:, sources]
            elif relation in to_genes:
                relations[relation] = to_genes[relation][:, part].tocsr()
            else:
                relations[relation] = matrix[part] if relation[2] == "cell" else matrix
        own = {name: array[part] for name, array in nodes["cell"].items()}
        yield Shard(
            nodes={**nodes, "cell": own},
            relations=relations,
            sources=sources,
            sends=[place[halo[owner[halo] == process]] for halo in halos],
            receives=np.bincount(owner[halos[process]], minlength=len(parts)).tolist(),
        )
