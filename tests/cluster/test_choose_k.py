from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from scrcl_graph import InputError
from scrcl_graph.cluster import choose_k


def groups(k: int, n: int = 240, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(k, size=n)
    return (8 * np.eye(k, 12)[truth] + rng.standard_normal((n, 12))).astype(np.float32)


@pytest.mark.parametrize("k", [2, 4, 6])
def test_the_planted_number_is_recovered(k: int) -> None:
    chosen = choose_k(groups(k))
    assert chosen.k == k
    assert k in chosen.ks
    assert len(chosen.ks) == len(chosen.stability) == len(chosen.spread)


def test_same_seed_same_curve() -> None:
    X = np.random.default_rng(1).standard_normal((60, 5)).astype(np.float32)
    first, second = (dataclasses.asdict(choose_k(X, seed=4)) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_too_few_cells_are_refused() -> None:
    with pytest.raises(InputError, match="3 cells are too few to choose a number of clusters: pass n_clusters"):
        choose_k(groups(2, n=3))
