from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from scrcl_graph import InputError
from scrcl_graph.cluster import choose_k
from scrcl_graph.cluster.choose_k import _others, _overlap


def groups(k: int, n: int = 240, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(k, size=n)
    return (8 * np.eye(k, 12)[truth] + rng.standard_normal((n, 12))).astype(np.float32)


@pytest.mark.parametrize("k", [2, 4, 6])
def test_the_planted_number_is_recovered(k: int) -> None:
    chosen = choose_k(groups(k), k_max=10, n_halves=3)
    assert chosen.k == k
    assert k in chosen.ks
    assert len(chosen.ks) == len(chosen.recovered) == len(chosen.spread) == len(chosen.gain)


def test_the_gain_is_detail_found_again_against_three_times_what_is_not() -> None:
    chosen = choose_k(groups(4), k_max=8, n_halves=3)
    assert chosen.recovered[2] == 1.0  # k = 4
    np.testing.assert_allclose(chosen.gain, np.log(chosen.ks) * (4 * chosen.recovered - 3), atol=1e-12)
    assert chosen.k == chosen.ks[chosen.gain.argmax()]


def test_points_without_clusters_give_few() -> None:
    X = np.random.default_rng(5).standard_normal((400, 12)).astype(np.float32)
    chosen = choose_k(X, k_max=12, n_halves=4)
    assert chosen.k <= 3
    assert chosen.gain.max() < np.log(2)


def test_the_order_of_the_cells_does_not_matter_for_clear_groups() -> None:
    X = groups(5)
    order = np.random.default_rng(3).permutation(len(X))
    one, other = choose_k(X, k_max=9, n_halves=3), choose_k(X[order], k_max=9, n_halves=3)
    assert one.k == other.k == 5
    np.testing.assert_allclose(one.recovered[3], other.recovered[3], atol=0.02)


def test_a_small_group_beside_large_ones_counts() -> None:
    rng = np.random.default_rng(2)
    truth = np.repeat([0, 1, 2], [300, 250, 30])
    X = 8 * np.eye(3, 12)[truth] + rng.standard_normal((580, 12))
    assert choose_k(X.astype(np.float32), k_max=8, n_halves=3).k == 3


def test_other_peaks_that_are_nearly_as_high_are_told() -> None:
    assert list(_others(np.array([0.3, 1.1, 1.35, 0.9, 0.6, 1.26, 1.27, 1.0, 0.2, 1.21, 0.1]))) == [6]
    assert list(_others(np.array([1.3, 1.1, 1.35, 0.9, 1.34]))) == [0, 4]
    assert not len(_others(np.array([-0.5, -0.9, -0.4, -0.8])))
    assert not len(choose_k(groups(4), k_max=8, n_halves=3).others)


def test_the_overlap_is_the_best_jaccard_index_of_each_cluster() -> None:
    one, other = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 1])
    np.testing.assert_allclose(_overlap(one, other), [2 / 3, 2 / 4, 1 / 4])


def test_same_seed_same_curve() -> None:
    X = np.random.default_rng(1).standard_normal((60, 5)).astype(np.float32)
    first, second = (dataclasses.asdict(choose_k(X, k_max=6, n_halves=3, seed=4)) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_too_few_cells_are_refused() -> None:
    with pytest.raises(InputError, match="3 cells are too few to choose a number of clusters: pass n_clusters"):
        choose_k(groups(2, n=3))
