from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError
from scrcl_graph.cluster import Communities, Leiden, unit_rows
from scrcl_graph.cluster.communities import GroupGraph, _join
from scrcl_graph.gr import cell_knn


def directions(sizes: list[int], noise: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    return np.eye(len(sizes), 8)[truth] + noise * rng.standard_normal((len(truth), 8)), truth


def test_planted_groups_of_very_unequal_size_are_found_at_their_number() -> None:
    X, truth = directions([700, 150, 60, 40])
    assert adjusted_rand_score(truth, Communities(4).fit_predict(X)) > 0.98


@pytest.mark.parametrize("k", [2, 3, 7, 12])
def test_the_wanted_number_is_always_met(k: int) -> None:
    X, _ = directions([60, 50, 40, 30])
    labels = Communities(k).fit_predict(X)
    assert set(labels) == set(range(k))
    assert np.array_equal(labels, Communities(k).fit_predict(X))


def test_pieces_that_no_edge_joins_are_still_joined_to_the_wanted_number() -> None:
    X, truth = directions([40, 40, 40, 40], noise=0.02)
    graph = GroupGraph(unit_rows(X), cell_knn(unit_rows(X), 12), 32, 0)
    assert graph.at_least(2)[0].max() + 1 == 4
    labels = Communities(2).fit_predict(X)
    assert len(set(labels)) == 2
    assert all(len(set(labels[truth == i])) == 1 for i in range(4))


def test_the_join_gains_most_modularity() -> None:
    graph = nx.planted_partition_graph(4, 8, 0.9, 0.15, seed=1)
    links = nx.to_scipy_sparse_array(graph, dtype=float)
    labels = np.repeat(np.arange(4), 8)

    def modularity(found: np.ndarray) -> float:
        return nx.community.modularity(graph, [set(np.flatnonzero(found == i)) for i in np.unique(found)])

    joined = _join(sp.csr_matrix(links), labels, 3, 1.0)
    options = [np.where(labels == j, i, labels) for i in range(4) for j in range(i + 1, 4)]
    assert modularity(joined) == pytest.approx(max(map(modularity, options)))


def test_groups_of_cells_give_about_the_communities_of_the_cells_themselves() -> None:
    X, _ = directions([300, 200, 100, 100, 50], noise=0.3)
    pytest.importorskip("igraph")
    assert adjusted_rand_score(Leiden(5).fit_predict(X), Communities(5).fit_predict(X)) > 0.9


@pytest.mark.parametrize("k", [0, 11])
def test_a_number_of_clusters_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(InputError, match=rf"{k} clusters cannot be found among 10 cells"):
        Communities(k).fit_predict(np.eye(10))


def test_modularity_of_the_groups_is_that_of_their_cells() -> None:
    X, _ = directions([60, 40, 20])
    X = unit_rows(X)
    neighbors = cell_knn(X, 10, 0)
    groups = GroupGraph(X, neighbors, 24, 0)
    of_group = np.arange(24) % 3
    parts = [set(np.flatnonzero(of_group == i).tolist()) for i in range(3)]
    cells = [set(np.flatnonzero(of_group[groups.group] == i).tolist()) for i in range(3)]
    wanted = nx.community.modularity(nx.from_scipy_sparse_array(neighbors), cells)
    assert nx.community.modularity(groups._graph, parts) == pytest.approx(wanted)
