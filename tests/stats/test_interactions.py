from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import kstest

from scrcl_graph.stats import compare_groups, compare_weighted, group_contacts, interaction_edges, interactions


def sparse_cells(n: int, genes: int, seed: int = 0) -> sp.csr_matrix:
    rng = np.random.default_rng(seed)
    return sp.csr_matrix(np.log1p(rng.poisson(0.4, (n, genes)) * rng.gamma(1.0, 2.0, (n, genes))))


def ring(n: int) -> sp.csr_matrix:
    one_way = sp.csr_matrix((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    return sp.csr_matrix(one_way + one_way.T)


def columns(*names: int) -> list[list[int]]:
    return [[name] for name in names]


@pytest.mark.parametrize("graph", [None, ring(60)])
def test_p_values_are_those_of_drawn_permutations(graph: sp.csr_matrix | None) -> None:
    X = sp.csr_matrix(sparse_cells(60, 3) + sp.csr_matrix(np.repeat([[0.3], [0.0]], 30, axis=0) * np.ones((1, 3))))
    contacts = group_contacts(np.tile(np.repeat([0, 0, 1], 4), 5), 2, graph)
    test = compare_weighted(X, contacts.weights)
    rng = np.random.default_rng(1)
    drawn = np.stack([contacts.weights @ X.toarray()[rng.permutation(60)] for _ in range(8000)])
    observed = contacts.weights @ X.toarray()
    np.testing.assert_allclose(test.effect.T, (observed - X.toarray().mean(0)) / X.toarray().std(0), rtol=1e-9)
    np.testing.assert_allclose(test.pvalue.T, (drawn >= observed).mean(0), atol=0.03)


def test_weights_of_a_group_give_the_test_of_groups() -> None:
    rng = np.random.default_rng(0)
    depth = rng.integers(500, 3000, 200).astype(float)
    X = sp.csr_matrix(rng.poisson(depth[:, None] * 1e-3 * np.ones(20)).astype(float))
    labels = rng.integers(0, 3, 200)
    weighted = compare_weighted(X, group_contacts(labels, 3).weights, depth=depth)
    groups = compare_groups(X, labels, 3, depth=depth)
    share = 1 - np.bincount(labels) / 200
    np.testing.assert_allclose(weighted.effect, groups.effect * share, rtol=1e-9, atol=1e-12)
    two_sided = 2 * np.minimum(weighted.pvalue, 1 - weighted.pvalue)
    np.testing.assert_allclose(two_sided, groups.pvalue, rtol=1e-7)


def test_a_mean_of_all_cells_is_not_raised() -> None:
    test = compare_weighted(sparse_cells(50, 3), sp.csr_matrix(np.full((1, 50), 1 / 50)))
    np.testing.assert_allclose(test.effect, 0, atol=1e-12)
    np.testing.assert_allclose(test.pvalue, 0.5)


def test_the_worst_part_counts() -> None:
    X = sparse_cells(90, 5)
    labels = np.repeat([0, 1, 2], 30)
    contacts = group_contacts(labels, 3)
    test = interactions(X, X, contacts, [[0], [1, 2]], [[3], [4]])
    parts = compare_weighted(X, contacts.weights)
    means = contacts.weights @ X.toarray()
    for at, (sender, receiver) in enumerate(contacts.groups):
        assert test.pvalue[0, at] == max(parts.pvalue[0, sender], parts.pvalue[3, receiver])
        assert test.pvalue[1, at] == max(*parts.pvalue[[1, 2], sender], parts.pvalue[4, receiver])
        assert test.effect[1, at] == min(*parts.effect[[1, 2], sender], parts.effect[4, receiver])
        assert test.score[1, at] == pytest.approx(min(means[sender, [1, 2]]) * means[receiver, 4])


def test_where_only_the_ligand_is_raised_p_values_are_uniform_and_without_structure_larger() -> None:
    X = sparse_cells(400, 600).tolil()
    labels = np.random.default_rng(0).integers(0, 3, 400)
    one = 5  # from group 1 to group 2
    assert group_contacts(labels, 3).groups[one].tolist() == [1, 2]
    arguments = group_contacts(labels, 3), columns(*range(300)), columns(*range(300, 600))
    without = interactions(X.tocsr(), X.tocsr(), *arguments).pvalue[:, one]
    X[labels == 1, :300] = X[labels == 1, :300].toarray() + 2
    raised = interactions(X.tocsr(), X.tocsr(), *arguments).pvalue[:, one]
    assert kstest(raised, "uniform").pvalue > 0.01
    assert kstest(without, lambda p: p**2).pvalue > 0.01  # the larger of two uniform ones


def test_only_groups_that_touch_are_tested_and_only_their_touching_cells_count() -> None:
    labels = np.array([0, 0, 1, 1, 2])
    edges = np.zeros((5, 5))
    edges[1, 2] = edges[2, 1] = edges[1, 3] = edges[3, 1] = 1
    contacts = group_contacts(labels, 3, sp.csr_matrix(edges))
    assert contacts.groups.tolist() == [[0, 1], [1, 0]]
    X = sp.csr_matrix(np.array([[5.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0], [9.0, 9.0]]))
    assert interactions(X, X, contacts, [[0]], [[1]]).score.tolist() == [[2.0 * (1.0 + 3.0) / 2, 0.0]]


def test_what_does_not_vary_is_not_called() -> None:
    X = sp.csr_matrix(np.column_stack([np.ones(20), np.zeros(20)]))
    test = interactions(X, X, group_contacts(np.arange(20) % 2, 2), [[0], [1]], [[0], [0]])
    assert (test.pvalue == 1).all()
    assert np.isfinite(test.effect).all()


def test_edges_between_cells_are_the_dense_sum_over_pairs_in_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(interaction_edges.__globals__, "_EDGES", 7)  # several blocks
    log_X = sparse_cells(20, 6)
    graph = ring(20)
    found = interaction_edges(log_X, graph, [[0], [1, 2]], [[3], [4, 5, 0]], np.array([1, -1]))
    X = log_X.toarray()
    sent = np.stack([X[:, 0], X[:, [1, 2]].min(axis=1)])
    received = np.stack([X[:, 3], X[:, [4, 5, 0]].min(axis=1)])
    expected = (np.outer(sent[0], received[0]) - np.outer(sent[1], received[1])) * graph.toarray()
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6)
    assert found.dtype == np.float32
    assert (found.data != 0).all()
