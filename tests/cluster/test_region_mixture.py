from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError, gr
from scrcl_graph.cluster import RegionMixture
from scrcl_graph.cluster.region_mixture import Regions


def grid(rows: int, columns: int) -> NDArray[np.float64]:
    return (
        np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).reshape(-1, 2).astype(float)
    )


@pytest.fixture(scope="module")
def stripes() -> tuple[NDArray[np.float64], sp.csr_matrix, NDArray[np.int64]]:
    """Five stripes of three domains, of which the outer two are in two places each, in noise that neighbours share."""
    positions = grid(20, 30)
    truth = np.array([0, 1, 2, 1, 0])[(positions[:, 1] // 6).astype(int)]
    connectivity = gr.spatial_neighbors(positions, n_neighbors=4)
    noise = gr.smooth(np.random.default_rng(0).standard_normal((600, 8)).astype(np.float32), connectivity, (1,))
    return noise / noise.std() + 3.0 * np.eye(3, 8)[truth], connectivity, truth


def test_domains_in_several_places_are_found(
    stripes: tuple[NDArray[np.float64], sp.csr_matrix, NDArray[np.int64]],
) -> None:
    X, connectivity, truth = stripes
    assert adjusted_rand_score(truth, RegionMixture(3, connectivity=connectivity).fit_predict(X)) > 0.9


def test_regions_of_the_coordinates_keep_a_domain_whole_that_the_embedding_spreads_out() -> None:
    positions = grid(20, 30)
    truth = np.where(positions[:, 1] < 24, 0, np.where(positions[:, 0] < 10, 1, 2))  # most of the tissue is one domain
    touch = gr.spatial_neighbors(positions, n_neighbors=4)
    noise = gr.smooth(np.random.default_rng(0).standard_normal((600, 8)).astype(np.float32), touch, (1,))
    coordinates = 4 * np.eye(3, 8)[truth] + noise
    spread = coordinates + 12 * np.outer((truth == 0) * (positions[:, 0] / 19 - 0.5), np.eye(8)[5])
    cut = RegionMixture(3, connectivity=touch).fit_predict(spread)
    whole = RegionMixture(3, connectivity=touch, coordinates=coordinates).fit_predict(spread)
    assert adjusted_rand_score(truth, cut) < 0.6
    assert adjusted_rand_score(truth, whole) > 0.95


def test_regions_are_those_of_greedy_merges_of_clusters_that_touch() -> None:
    points = np.random.default_rng(1).standard_normal((36, 2))
    connectivity = gr.spatial_neighbors(grid(6, 6), n_neighbors=4)
    touch = connectivity.toarray() > 0
    clusters = [[i] for i in range(36)]
    while len(clusters) > 5:
        cost = {
            (i, j): len(a) * len(b) / (len(a) + len(b)) * ((points[a].mean(axis=0) - points[b].mean(axis=0)) ** 2).sum()
            for i, a in enumerate(clusters)
            for j, b in enumerate(clusters)
            if i < j and touch[np.ix_(a, b)].any()
        }
        i, j = min(cost, key=lambda pair: cost[pair])
        clusters[i] += clusters.pop(j)
    expected = np.empty(36, dtype=int)
    for label, members in enumerate(clusters):
        expected[members] = label
    assert adjusted_rand_score(expected, Regions(points, connectivity).cut(5)) == 1.0


def test_regions_are_connected_and_within_pieces() -> None:
    points = np.random.default_rng(2).standard_normal((130, 3))
    piece = np.repeat([0, 1, 2, 3], [60, 60, 2, 8])
    graph, pair = gr.spatial_neighbors(grid(10, 6), n_neighbors=4), sp.csr_matrix([[0.0, 1.0], [1.0, 0.0]])
    connectivity = sp.block_diag([graph, graph, pair, sp.csr_matrix((8, 8))], format="csr")  # eight cells touch none
    regions = Regions(points, connectivity)
    assert regions.n_pieces == pytest.approx(1 / (2 * (60 / 130) ** 2 + (2 / 130) ** 2 + 8 / 130**2))
    for wanted, expected in ((40, 40), (130, 130), (3, 11)):
        found = regions.cut(wanted)
        assert len(np.unique(found)) == expected
        for region in np.unique(found):
            here = found == region
            assert connected_components(connectivity[here][:, here])[0] == 1
            assert len(np.unique(piece[here])) == 1


def test_permuting_the_cells_permutes_the_labels(
    stripes: tuple[NDArray[np.float64], sp.csr_matrix, NDArray[np.int64]],
) -> None:
    X, connectivity, _ = stripes
    order = np.random.default_rng(3).permutation(len(X))
    before = RegionMixture(3, connectivity=connectivity).fit_predict(X)
    after = RegionMixture(3, connectivity=connectivity[order][:, order]).fit_predict(X[order])
    assert adjusted_rand_score(before[order], after) == 1.0


def test_without_a_graph_it_starts_from_wards_tree() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(4, size=300)
    X = 4.0 * np.eye(4, 6)[truth] + rng.standard_normal((300, 6))
    assert adjusted_rand_score(truth, RegionMixture(4).fit_predict(X)) > 0.95


@pytest.mark.parametrize("k", [0, 11])
def test_a_number_of_clusters_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(InputError, match=rf"{k} clusters cannot be found among 10 cells"):
        RegionMixture(k).fit_predict(np.eye(10))
