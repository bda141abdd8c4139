from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp

from scrcl_graph import gr, stats


@pytest.fixture(scope="module")
def knn() -> sp.csr_matrix:
    return gr.cell_knn(np.random.default_rng(0).standard_normal((200, 3)).astype(np.float32), 6)


def test_diagnostics_equal_those_of_networkx(knn: sp.csr_matrix) -> None:
    graph = nx.from_scipy_sparse_array(knn)
    found = stats.diagnostics(knn, n_random=2)["observed"]
    assert found["edges"] == graph.number_of_edges()
    assert found["components"] == nx.number_connected_components(graph)
    assert found["triangles"] == sum(nx.triangles(graph).values()) / 3
    assert found["transitivity"] == pytest.approx(nx.transitivity(graph))
    assert found["assortativity"] == pytest.approx(nx.degree_assortativity_coefficient(graph))


def test_rewiring_keeps_degrees_and_takes_the_triangles_away(knn: sp.csr_matrix) -> None:
    random = stats.rewired(knn, np.random.default_rng(0))
    np.testing.assert_array_equal(random.sum(axis=1), knn.sum(axis=1))
    assert abs(random - random.T).nnz == 0
    assert not random.diagonal().any()
    assert random.data.max() == 1
    assert random.multiply(knn).nnz < 0.15 * knn.nnz
    table = stats.diagnostics(knn, n_random=3)
    assert table.loc["triangles", "observed"] > 5 * table.loc["triangles", "random"]
    assert table.loc["degree_max", "random_std"] == 0


def test_a_rewired_random_graph_looks_like_itself() -> None:
    graph = nx.to_scipy_sparse_array(nx.gnm_random_graph(300, 1500, seed=1), format="csr")
    row = stats.diagnostics(sp.csr_matrix(graph), n_random=20).loc["triangles"]
    assert abs(row["observed"] - row["random"]) < 4 * row["random_std"]


def test_a_graph_without_edges_has_no_triangles() -> None:
    found = stats.diagnostics(sp.csr_matrix((4, 4)), n_random=1)["observed"]
    assert found["isolated"] == found["components"] == 4
    assert found["triangles"] == found["transitivity"] == 0
    assert np.isnan(found["assortativity"])
