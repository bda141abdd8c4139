from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from squidpy.gr.neighbors import GridBuilder

from scrcl_graph import InputError
from scrcl_graph.gr import smooth, spatial_neighbors
from scrcl_graph.gr.builders import GRAPHS


@pytest.fixture
def coords() -> np.ndarray:
    return np.random.default_rng(0).random((60, 2)) * 100


def test_knn_equals_brute_force_symmetrised(coords: np.ndarray) -> None:
    distance = cdist(coords, coords)
    np.fill_diagonal(distance, np.inf)
    expected = np.zeros((60, 60))
    np.put_along_axis(expected, np.argsort(distance, axis=1)[:, :4], 1, axis=1)
    assert np.array_equal(spatial_neighbors(coords, n_neighbors=4).toarray(), np.maximum(expected, expected.T))


def test_radius_equals_brute_force_in_two_and_three_dimensions(coords: np.ndarray) -> None:
    for xyz in (coords, np.hstack([coords, coords[:, :1] / 3])):
        expected = (cdist(xyz, xyz) <= 15) & ~np.eye(60, dtype=bool)
        assert np.array_equal(spatial_neighbors(xyz, builder="radius", radius=15).toarray(), expected)


def test_triangulation_holds_every_nearest_neighbour_and_is_planar(coords: np.ndarray) -> None:
    graph = spatial_neighbors(coords, builder="delaunay").toarray()
    assert np.array_equal(graph, graph.T)
    assert not graph.diagonal().any()
    distance = cdist(coords, coords)
    np.fill_diagonal(distance, np.inf)
    assert graph[np.arange(60), distance.argmin(axis=1)].all()
    assert graph.sum() / 2 <= 3 * 60 - 6


@pytest.mark.parametrize("builder", GRAPHS.entries)
def test_slices_are_never_joined(coords: np.ndarray, builder: str) -> None:
    library = np.array(["a", "b", "c"])[np.arange(60) % 3]
    library[0] = "alone"  # a slice of one cell
    graph = spatial_neighbors(coords, builder=builder, radius=30, library=library).toarray()
    assert not graph[library[:, None] != library].any()
    for name in "abc":
        own = library == name
        alone = spatial_neighbors(coords[own], builder=builder, radius=30).toarray()
        assert np.array_equal(graph[own][:, own], alone)


@pytest.mark.parametrize("builder", GRAPHS.entries)
def test_permuting_cells_permutes_the_graph(coords: np.ndarray, builder: str) -> None:
    order = np.random.default_rng(1).permutation(60)
    graph = spatial_neighbors(coords, builder=builder, radius=20).toarray()
    permuted = spatial_neighbors(coords[order], builder=builder, radius=20).toarray()
    assert np.array_equal(permuted, graph[order][:, order])


def test_spots_of_a_lattice_have_the_neighbours_of_the_lattice_and_no_more() -> None:
    row, column = np.divmod(np.arange(60), 6)
    hexagons = np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2]) * 137.0  # as Visium, in pixels
    graph = spatial_neighbors(hexagons, builder="grid")
    assert np.array_equal(graph.toarray(), np.abs(cdist(hexagons, hexagons) - 137) < 1)
    assert (spatial_neighbors(hexagons) != graph).nnz > 0  # kNN joins spots at the edge with others further away


def test_neighbours_at_one_distance_are_all_taken_whatever_the_order_of_the_cells() -> None:
    squares = np.stack(np.divmod(np.arange(144), 12), axis=1) * 8.0  # as bins of Visium HD
    graph = spatial_neighbors(squares)
    around = np.abs(squares[:, None] - squares).max(axis=2) == 8  # also across the corner
    inner = around.sum(axis=1) == 8
    assert np.array_equal(graph.toarray()[inner][:, inner], around[inner][:, inner])
    order = np.random.default_rng(1).permutation(144)
    assert (spatial_neighbors(squares[order]) != graph[order][:, order]).nnz == 0


def test_many_cells_at_one_position_do_not_make_a_dense_graph() -> None:
    heap = np.vstack([np.zeros((200, 2)), np.random.default_rng(0).random((20, 2)) + 1])
    assert spatial_neighbors(heap).nnz <= 2 * 2 * 6 * 220


@pytest.mark.parametrize("builder", ["knn", "delaunay", "grid"])
def test_the_unit_of_the_coordinates_does_not_matter(coords: np.ndarray, builder: str) -> None:
    graph = spatial_neighbors(coords, builder=builder)
    for unit in (1e-6, 1e6):
        assert (spatial_neighbors(coords * unit + 30 * unit, builder=builder) != graph).nnz == 0


@pytest.mark.parametrize("builder", GRAPHS.entries)
def test_cells_at_one_position_are_neighbours_and_keep_others(
    coords: np.ndarray, builder: str, caplog: pytest.LogCaptureFixture
) -> None:
    twins = np.vstack([coords, coords[:5]])
    graph = spatial_neighbors(twins, builder=builder, radius=25).toarray()
    assert "10 of 65 cells share their position with another cell" in caplog.text
    for cell, twin in zip(range(5), range(60, 65), strict=True):
        assert graph[cell, twin]
        assert np.delete(graph[twin], cell).any()


def test_a_triangulation_is_that_of_the_positions_whoever_shares_them(coords: np.ndarray) -> None:
    alone = spatial_neighbors(coords, builder="delaunay").toarray()
    twins = spatial_neighbors(np.vstack([coords, coords[:1]]), builder="delaunay").toarray()
    assert np.array_equal(twins[:60, :60], alone)
    assert np.array_equal(np.delete(twins[60], [0, 60]), alone[0, 1:])


def test_cells_without_neighbours_are_said(coords: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    far = np.vstack([coords, [[1e4, 1e4], [-1e4, 0]]])
    graph = spatial_neighbors(far, builder="radius", radius=100)
    assert "2 of 62 cells have no spatial neighbour" in caplog.text
    assert not graph[60:].nnz
    caplog.clear()
    spatial_neighbors(coords)
    assert not caplog.text


def test_a_squidpy_builder_makes_its_own_graph() -> None:
    grid = np.stack(np.meshgrid(np.arange(5.0), np.arange(4.0)), axis=-1).reshape(-1, 2)
    graph = spatial_neighbors(grid, builder=GridBuilder(n_neighs=4))
    assert np.array_equal(graph.toarray(), cdist(grid, grid) == 1)


def test_a_callable_is_made_symmetric_and_free_of_self_loops(coords: np.ndarray) -> None:
    def ring(points: np.ndarray) -> tuple[sp.csr_matrix, Any]:
        n = len(points)
        step = sp.csr_matrix((np.full(n, -3.0), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
        return sp.csr_matrix(step + sp.identity(n)), None

    graph = spatial_neighbors(coords[:10], builder=ring, library=[0] * 6 + [1] * 4).toarray()
    six, four = (np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1) for n in (6, 4))
    assert np.array_equal(graph, sp.block_diag([six, four]).toarray())


def test_a_slice_smaller_than_k_is_joined_fully(coords: np.ndarray) -> None:
    assert np.array_equal(spatial_neighbors(coords[:3], n_neighbors=6).toarray(), 1 - np.eye(3))


@pytest.mark.parametrize("steps", [(-1, 2), (4, 1), (2, 2)])
def test_steps_that_do_not_increase_from_zero_are_refused(coords: np.ndarray, steps: tuple[int, ...]) -> None:
    graph = spatial_neighbors(coords)
    with pytest.raises(InputError, match=r"steps of the spatial graph are .*: give them increasing, none below 0"):
        smooth(np.ones((len(coords), 2), np.float32), graph, steps)


def test_smoothing_equals_powers_of_the_mean_over_neighbours(coords: np.ndarray) -> None:
    graph = spatial_neighbors(coords, builder="radius", radius=14)
    A = graph.toarray().astype(np.float64) + np.eye(60)
    assert (A.sum(axis=1) == 1).any()  # some cell has no neighbours
    mean = A / A.sum(axis=1, keepdims=True)
    x = np.random.default_rng(1).standard_normal((60, 4)).astype(np.float32)
    expected = np.hstack([np.linalg.matrix_power(mean, steps) @ x for steps in (0, 1, 3)])
    smoothed = smooth(x, graph, [0, 1, 3])
    assert smoothed.dtype == np.float32
    np.testing.assert_allclose(smoothed, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"builder": "hexagon"}, "unknown graph 'hexagon': choose one of delaunay, grid, knn, radius"),
        ({"builder": "radius"}, "needs radius="),
        ({"library": ["a", "b"]}, "60 cells with coordinates and 2 library labels"),
        ({"coords": np.full((60, 2), np.nan)}, "must be finite numbers, but 60 of 60 cells have none"),
        ({"coords": np.ones((60, 2))}, "all 60 cells of a slice have the same position"),
        ({"coords": np.zeros((60, 4))}, "2 or 3 columns"),
        ({"coords": np.zeros(60)}, "2 or 3 columns"),
    ],
)
def test_what_cannot_be_used_is_refused(coords: np.ndarray, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        spatial_neighbors(**{"coords": coords, **change})


@pytest.mark.parametrize("flat", [np.eye(2), np.outer(np.arange(5.0), [1, 1])], ids=["two_points", "a_line"])
def test_points_without_a_triangulation_are_refused(flat: np.ndarray) -> None:
    with pytest.raises(InputError, match="triangulation"):
        spatial_neighbors(flat, builder="delaunay")
