"""The heterogeneous graph of cells and genes, as a PyG ``HeteroData``; and any part of it as a networkx graph."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch_geometric.data import HeteroData

from scrcl_graph._errors import InputError
from scrcl_graph.nn.ops import csr_from_edges, edges_from_csr

EdgeType = tuple[str, str, str]

SIMILAR: EdgeType = ("cell", "similar_to", "cell")
ADJACENT: EdgeType = ("cell", "adjacent_to", "cell")
COEXPRESSED: EdgeType = ("gene", "coexpressed_with", "gene")
EXPRESSES: EdgeType = ("cell", "expresses", "gene")
EXPRESSED_IN: EdgeType = ("gene", "expressed_in", "cell")


def cell_gene_graph(
    *,
    cell_x: NDArray[np.float32],
    gene_x: NDArray[np.float32],
    expression: sp.csr_matrix,
    similar: sp.csr_matrix | None = None,
    adjacent: sp.csr_matrix | None = None,
    coexpressed: sp.csr_matrix | None = None,
) -> HeteroData:
    """Join all relations in one graph.

    Parameters
    ----------
    cell_x, gene_x
        Node features, cells x d and genes x d'.
    expression
        Cells x genes: the weights of the edges between cells and genes, in both directions; usually
        :func:`correspondence_kernel` of the log-normalised values.
    similar, adjacent
        Cells x cells: edges by expression and by position; usually :func:`scrcl_graph.gr.propagation` of the graph.
        Entry (i, j) is the weight of the message from j to i.
    coexpressed
        Genes x genes, signed.

    Returns
    -------
    A ``HeteroData`` with node types ``cell`` and ``gene`` (``x``, float32) and, for each relation given,
    ``edge_index`` (:class:`~torch_geometric.EdgeIndex`, sorted by destination) and ``edge_weight`` (float32).
    """
    n_cells, n_genes = expression.shape
    if len(cell_x) != n_cells or len(gene_x) != n_genes:
        raise InputError(
            f"expression is {n_cells} cells x {n_genes} genes, "
            f"but features are for {len(cell_x)} cells and {len(gene_x)} genes"
        )
    matrices = {
        SIMILAR: similar,
        ADJACENT: adjacent,
        COEXPRESSED: coexpressed,
        EXPRESSES: expression.T.tocsr(),
        EXPRESSED_IN: expression,
    }
    data = HeteroData()
    data["cell"].x = torch.from_numpy(np.ascontiguousarray(cell_x, dtype=np.float32))
    data["gene"].x = torch.from_numpy(np.ascontiguousarray(gene_x, dtype=np.float32))
    for relation, matrix in matrices.items():
        if matrix is not None:
            data[relation].edge_index, data[relation].edge_weight = edges_from_csr(matrix)
    return data


def correspondence_kernel(expression: sp.csr_matrix, column_sums: NDArray[np.float64] | None = None) -> sp.csr_matrix:
    """``x_ij / sqrt(r_i c_j)``: the kernel of correspondence analysis, of spectral norm one.

    Parameters
    ----------
    expression
        Cells x genes, non-negative. Empty rows and columns stay empty.
    column_sums
        c, where it comes from other cells; by default that of ``expression``.
    """
    r = np.asarray(expression.sum(axis=1), dtype=np.float64).ravel()
    c = np.asarray(expression.sum(axis=0), dtype=np.float64).ravel() if column_sums is None else column_sums
    left, right = (np.divide(1.0, np.sqrt(s), out=np.zeros_like(s), where=s > 0) for s in (r, c))
    return sp.csr_matrix(sp.diags_array(left) @ expression @ sp.diags_array(right), dtype=np.float32)


def to_networkx(
    data: HeteroData,
    relations: Sequence[EdgeType] | None = None,
    *,
    cell_names: Sequence[str] | None = None,
    gene_names: Sequence[str] | None = None,
) -> nx.Graph:
    """Some or all relations of the graph as an undirected networkx graph.

    Parameters
    ----------
    data
        As made by :func:`cell_gene_graph`.
    relations
        Edge types to take; all by default. An edge and its reverse become one edge.
    cell_names, gene_names
        Node names; by default ``cell_0``, ``gene_0`` and so on.

    Returns
    -------
    Nodes carry ``kind`` (``"cell"`` or ``"gene"``). An edge carries its weight under the name of each relation that
    joins its ends (``graph.edges[a, b]["similar_to"]``), so that algorithms can be told which one to use.
    """
    chosen = list(data.edge_types) if relations is None else list(relations)
    for relation in chosen:
        if relation not in data.edge_types:
            raise InputError(f"the graph has no relation {relation}: it has {', '.join(map(str, data.edge_types))}")
    given = {"cell": cell_names, "gene": gene_names}
    names: dict[str, list[str]] = {}
    graph = nx.Graph()
    for kind in dict.fromkeys(end for source, _, target in chosen for end in (source, target)):
        own = given[kind]
        names[kind] = [f"{kind}_{i}" for i in range(data[kind].num_nodes)] if own is None else [str(x) for x in own]
        graph.add_nodes_from(names[kind], kind=kind)
    for source, label, target in chosen:
        store = data[source, label, target]
        matrix = csr_from_edges(store.edge_index, store.edge_weight).tocoo()
        name = EXPRESSES[1] if label == EXPRESSED_IN[1] else label
        graph.add_edges_from(
            (names[source][j], names[target][i], {name: float(w)})
            for i, j, w in zip(matrix.row, matrix.col, matrix.data, strict=True)
        )
    return graph
