from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from scrcl_graph import InputError
from scrcl_graph.cluster import choose_k
from scrcl_graph.cluster.choose_k import _overlap


def groups(k: int, n: int = 240, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(k, size=n)
    return (8 * np.eye(k, 12)[truth] + rng.standard_normal((n, 12))).astype(np.float32)


@pytest.mark.parametrize("k", [2, 4, 6])
def test_the_planted_number_is_recovered(k: int) -> None:
    chosen = choose_k(groups(k))
    assert chosen.k == k
    assert k in chosen.ks
    assert len(chosen.ks) == len(chosen.recovered) == len(chosen.spread) == len(chosen.gain)


def test_the_gain_is_detail_found_again_against_twice_what_is_not() -> None:
    chosen = choose_k(groups(4))
    assert chosen.recovered[2] == 1.0  # k = 4
    np.testing.assert_allclose(chosen.gain, np.log(chosen.ks) * (3 * chosen.recovered - 2), atol=1e-12)
    assert chosen.k == chosen.ks[chosen.gain.argmax()]


def test_points_without_clusters_give_few() -> None:
    X = np.random.default_rng(5).standard_normal((400, 12)).astype(np.float32)
    chosen = choose_k(X)
    assert chosen.k <= 3
    assert chosen.gain.max() < np.log(2)


def test_the_overlap_is_the_best_jaccard_index_of_each_cluster() -> None:
    one, other = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 1])
    np.testing.assert_allclose(_overlap(one, other), [2 / 3, 2 / 4, 1 / 4])


def test_same_seed_same_curve() -> None:
    X = np.random.default_rng(1).standard_normal((60, 5)).astype(np.float32)
    first, second = (dataclasses.asdict(choose_k(X, seed=4)) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_too_few_cells_are_refused() -> None:
    with pytest.raises(InputError, match="3 cells are too few to choose a number of clusters: pass n_clusters"):
        choose_k(groups(2, n=3))
