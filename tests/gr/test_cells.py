from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist

from scrcl_graph.gr import cell_knn, nearest, propagation
from scrcl_graph.gr.cells import neighbors_of_few


def _clusters(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = 5 * rng.standard_normal((8, 6))
    return (centres[rng.integers(8, size=n)] + rng.standard_normal((n, 6))).astype(np.float32)


def _brute(queries: np.ndarray, reference: np.ndarray | None, k: int) -> np.ndarray:
    distance = cdist(queries, queries if reference is None else reference)
    if reference is None:
        np.fill_diagonal(distance, np.inf)
    return np.argsort(distance, axis=1)[:, :k]


def test_nearest_equals_brute_force_within_and_across_sets() -> None:
    points, others = _clusters(120), _clusters(40, seed=1)
    assert np.array_equal(nearest(points, n_neighbors=7), _brute(points, None, 7))
    assert np.array_equal(nearest(others, points, n_neighbors=7), _brute(others, points, 7))


def test_no_more_neighbours_than_there_are_points() -> None:
    points = _clusters(5)
    assert nearest(points, n_neighbors=15).shape == (5, 4)
    assert nearest(_clusters(3, seed=1), points, n_neighbors=15).shape == (3, 5)
    assert np.array_equal(cell_knn(points, 15).toarray(), 1 - np.eye(5))


def test_an_edge_where_either_cell_is_among_the_others_nearest() -> None:
    points = _clusters(90)
    expected = np.zeros((90, 90))
    np.put_along_axis(expected, _brute(points, None, 4), 1, axis=1)
    graph = cell_knn(points, 4)
    assert graph.dtype == np.float32
    assert np.array_equal(graph.toarray(), np.maximum(expected, expected.T))


def test_duplicated_cells_make_no_self_loop() -> None:
    graph = cell_knn(np.repeat(_clusters(6), 5, axis=0), 3).toarray()
    assert not graph.diagonal().any()
    assert graph.sum(axis=1).min() >= 3


def test_permuting_cells_permutes_the_graph() -> None:
    points = _clusters(80)
    order = np.random.default_rng(2).permutation(80)
    assert np.array_equal(cell_knn(points[order], 5).toarray(), cell_knn(points, 5).toarray()[order][:, order])


def test_many_points_are_searched_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = np.random.default_rng(0).standard_normal((1600, 6)).astype(np.float32)
    points, others = np.split(cloud, [1400])
    truth, truth_across = _brute(points, None, 10), _brute(others, points, 10)
    monkeypatch.setattr("scrcl_graph.gr.cells.EXACT_LIMIT", 100)
    monkeypatch.setattr("scrcl_graph.gr.cells._BLOCK", 50)
    found, across = nearest(points, n_neighbors=10, seed=3), nearest(others, points, n_neighbors=10, seed=3)
    assert np.array_equal(found, nearest(points, n_neighbors=10, seed=3))
    assert not (found == np.arange(1400)[:, None]).any()
    for got, want in ((found, truth), (across, truth_across)):
        assert not np.array_equal(got, want)  # not all blocks were searched
        recall = np.mean([len(set(a) & set(b)) for a, b in zip(got, want, strict=True)]) / 10
        assert recall > 0.8


def test_neighbours_within_clusters_are_nearly_all_found_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    points = _clusters(800)
    truth = _brute(points, None, 10)
    monkeypatch.setattr("scrcl_graph.gr.cells.EXACT_LIMIT", 100)
    found = nearest(points, n_neighbors=10, seed=3)
    assert np.mean([len(set(a) & set(b)) for a, b in zip(found, truth, strict=True)]) / 10 > 0.9


def test_blocks_smaller_than_the_neighbours_asked_for_are_filled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    points = _clusters(120)
    monkeypatch.setattr("scrcl_graph.gr.cells.EXACT_LIMIT", 100)
    monkeypatch.setattr("scrcl_graph.gr.cells._BLOCK", 2)
    found = nearest(points, n_neighbors=90)
    assert all(len(set(row)) == 90 and i not in row for i, row in enumerate(found))


@pytest.mark.parametrize(("n_cells", "expected"), [(2, 1), (60, 8), (150, 12), (209, 14), (211, 15), (10**6, 15)])
def test_few_cells_have_no_more_neighbours_than_the_root_of_their_number(n_cells: int, expected: int) -> None:
    assert neighbors_of_few(15, n_cells) == expected


def test_propagation_equals_the_normalised_adjacency_off_the_diagonal() -> None:
    graph = cell_knn(_clusters(60), 4)
    graph = sp.block_diag([graph, sp.csr_matrix((1, 1))], format="csr")  # and an isolated cell
    A = graph.toarray().astype(np.float64)
    root = np.sqrt(A.sum(axis=1) + 1)
    hat = (A + np.eye(61)) / root[:, None] / root
    np.testing.assert_allclose(propagation(graph).toarray(), hat - np.diag(hat.diagonal()), atol=1e-7)
