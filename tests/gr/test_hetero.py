from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch_geometric.data import HeteroData
from torch_geometric.nn import HeteroConv, SAGEConv

from scrcl_graph import InputError, gr
from scrcl_graph import _preprocess as pre
from scrcl_graph.datasets import plant
from scrcl_graph.nn.ops import csr_from_edges

Matrices = dict[str, sp.csr_matrix]


@pytest.fixture(scope="module")
def matrices() -> Matrices:
    data = plant(70, 40, 3, module_size=6, density=0.3)
    log_X = pre.log_normalize(data.counts, "counts")
    return {
        "expression": gr.correspondence_kernel(log_X),
        "similar": gr.propagation(gr.cell_knn(gr.pca(log_X, 5).transform(log_X), 4)),
        "adjacent": gr.propagation(gr.spatial_neighbors(data.positions)),
        "coexpressed": gr.gene_correlation(log_X, 3),
    }


@pytest.fixture(scope="module")
def graph(matrices: Matrices) -> HeteroData:
    rng = np.random.default_rng(0)
    cell_x, gene_x = rng.standard_normal((70, 5)), rng.standard_normal((40, 6))
    return gr.cell_gene_graph(cell_x=cell_x, gene_x=gene_x, **matrices)  # type: ignore[arg-type]


def test_every_relation_carries_its_matrix(graph: HeteroData, matrices: Matrices) -> None:
    expected = {
        gr.SIMILAR: matrices["similar"],
        gr.ADJACENT: matrices["adjacent"],
        gr.COEXPRESSED: matrices["coexpressed"],
        gr.EXPRESSES: matrices["expression"].T,  # messages from cells to genes: genes x cells
        gr.EXPRESSED_IN: matrices["expression"],
    }
    assert set(graph.edge_types) == set(expected)
    assert graph.validate()
    for relation, matrix in expected.items():
        store = graph[relation]
        assert store.edge_weight.dtype == torch.float32
        assert np.array_equal(csr_from_edges(store.edge_index, store.edge_weight).toarray(), matrix.toarray())
    assert {kind: tuple(x.shape) for kind, x in graph.x_dict.items()} == {"cell": (70, 5), "gene": (40, 6)}


def test_relations_not_given_are_absent(matrices: Matrices) -> None:
    only = gr.cell_gene_graph(
        cell_x=np.zeros((70, 2), np.float32), gene_x=np.zeros((40, 2), np.float32), expression=matrices["expression"]
    )
    assert set(only.edge_types) == {gr.EXPRESSES, gr.EXPRESSED_IN}


def test_features_of_another_size_are_refused(matrices: Matrices) -> None:
    with pytest.raises(InputError, match=r"70 cells x 40 genes.*40 cells and 70 genes"):
        gr.cell_gene_graph(
            cell_x=np.zeros((40, 2), np.float32),
            gene_x=np.zeros((70, 2), np.float32),
            expression=matrices["expression"],
        )


def test_correspondence_kernel_equals_its_formula_and_has_norm_one() -> None:
    dense = np.random.default_rng(0).poisson(0.8, (30, 20)).astype(np.float64)
    dense[4], dense[:, 7] = 0, 0
    r, c = dense.sum(axis=1), dense.sum(axis=0)
    with np.errstate(invalid="ignore"):
        expected = np.nan_to_num(dense / np.sqrt(np.outer(r, c)))
    kernel = gr.correspondence_kernel(sp.csr_matrix(dense)).toarray()
    np.testing.assert_allclose(kernel, expected, atol=1e-6)
    assert np.linalg.norm(kernel, 2) == pytest.approx(1, abs=1e-6)
    part = gr.correspondence_kernel(sp.csr_matrix(dense[:9]), c).toarray()
    np.testing.assert_allclose(part, expected[:9], atol=1e-6)  # cells apart, column sums from all


def test_stock_pyg_layers_run_on_the_graph(graph: HeteroData) -> None:
    convs = {relation: SAGEConv((-1, -1), 8) for relation in graph.edge_types}
    network = HeteroConv(convs, aggr="sum")
    out = network(graph.x_dict, graph.edge_index_dict)
    plain = {relation: edges.as_tensor() for relation, edges in graph.edge_index_dict.items()}
    for kind, value in network(graph.x_dict, plain).items():
        torch.testing.assert_close(out[kind], value)
    sum(value.sum() for value in out.values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_one_relation_as_networkx(graph: HeteroData, matrices: Matrices) -> None:
    cells, genes = [f"c{i}" for i in range(70)], [f"g{i}" for i in range(40)]
    network = gr.to_networkx(graph, [gr.SIMILAR], cell_names=cells, gene_names=genes)
    assert list(network) == cells
    A = nx.to_numpy_array(network, nodelist=cells, weight="similar_to")
    np.testing.assert_allclose(A, matrices["similar"].toarray(), atol=1e-7)


def test_all_relations_as_networkx(graph: HeteroData, matrices: Matrices) -> None:
    network = gr.to_networkx(graph)
    kinds = nx.get_node_attributes(network, "kind")
    assert [kinds[f"cell_{i}"] for i in range(70)] + [kinds[f"gene_{i}"] for i in range(40)] == ["cell"] * 70 + [
        "gene"
    ] * 40
    both = matrices["similar"].multiply(matrices["adjacent"]).tocoo()
    a, b = next((i, j) for i, j in zip(both.row, both.col, strict=True))
    edge = network.edges[f"cell_{a}", f"cell_{b}"]
    assert set(edge) == {"similar_to", "adjacent_to"}
    assert edge["adjacent_to"] == pytest.approx(matrices["adjacent"][a, b])
    bipartite = [(u, v, w) for u, v, w in network.edges(data="expresses") if w is not None]
    assert len(bipartite) == matrices["expression"].nnz
    assert all(kinds[u] != kinds[v] for u, v, _ in bipartite)


def test_reverse_relations_make_the_same_network(graph: HeteroData) -> None:
    forth, back = gr.to_networkx(graph, [gr.EXPRESSES]), gr.to_networkx(graph, [gr.EXPRESSED_IN])
    assert nx.utils.graphs_equal(forth, back)


def test_a_relation_the_graph_does_not_have_is_refused(graph: HeteroData) -> None:
    with pytest.raises(InputError, match=r"no relation .*'likes'.*similar_to"):
        gr.to_networkx(graph, [("cell", "likes", "cell")])
