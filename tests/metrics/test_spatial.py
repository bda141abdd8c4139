from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from scrcl_graph.metrics import chaos, pas, tissue_order


@pytest.fixture
def tissue() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((80, 2)) * [3, 1], rng.integers(4, size=80)


def test_chaos_equals_brute_force(tissue: tuple[np.ndarray, np.ndarray]) -> None:
    positions, labels = tissue
    scaled = positions / positions.std(axis=0)
    distance = cdist(scaled, scaled)
    distance[labels[:, None] != labels] = np.inf
    np.fill_diagonal(distance, np.inf)
    assert chaos(positions, labels) == pytest.approx(distance.min(axis=1).mean())


def test_pas_equals_brute_force(tissue: tuple[np.ndarray, np.ndarray]) -> None:
    positions, labels = tissue
    distance = cdist(positions, positions)
    np.fill_diagonal(distance, np.inf)
    near = np.argsort(distance, axis=1)[:, :10]
    others = (labels[near] != labels[:, None]).sum(axis=1)
    assert 0 < (others >= 6).mean() < 1
    assert pas(positions, labels) == pytest.approx((others >= 6).mean())


@pytest.mark.parametrize("measure", [chaos, pas])
def test_bands_are_more_coherent_than_noise_in_any_unit(
    measure: Callable[..., float], tissue: tuple[np.ndarray, np.ndarray]
) -> None:
    positions, noise = tissue
    bands = (positions[:, 0] > 1.5).astype(int)
    assert measure(positions, bands) < 0.8 * measure(positions, noise % 2)
    assert measure(1000 * positions + 7, noise) == pytest.approx(measure(positions, noise))


@pytest.mark.parametrize("measure", [chaos, pas])
def test_slices_are_measured_apart(measure: Callable[..., float], tissue: tuple[np.ndarray, np.ndarray]) -> None:
    positions, labels = tissue
    other = np.random.default_rng(1).permutation(labels)
    stacked = np.vstack([positions, positions])  # one on the other
    both = measure(stacked, np.r_[labels, other], library=["a"] * 80 + ["b"] * 80)
    assert both == pytest.approx((measure(positions, labels) + measure(positions, other)) / 2)


def test_a_cell_alone_in_its_domain_or_slice_is_left_out(tissue: tuple[np.ndarray, np.ndarray]) -> None:
    positions, labels = tissue
    library = np.r_[np.zeros(80), 1]
    more, with_one = np.vstack([positions, [[9, 9]]]), np.r_[labels, 0]
    assert chaos(more, with_one, library=library) == pytest.approx(chaos(positions, labels))
    assert pas(more, with_one, library=library) == pytest.approx(pas(positions, labels))
    assert np.isnan(chaos([[0.0, 0]], [1]))
    assert np.isnan(pas([[0.0, 0]], [1]))


def test_layers_are_ordered_whatever_their_names() -> None:
    names = np.array([3, 0, 4, 1, 2])  # of the layers from top to bottom
    contacts = np.zeros((5, 5), dtype=np.int64)
    for above, below in pairwise(names):
        contacts[above, below] = contacts[below, above] = 30 + above
    contacts[names[0], names[2]] = contacts[names[2], names[0]] = 2  # a few across
    np.fill_diagonal(contacts, 1000)
    assert list(tissue_order(contacts)) == [2, 1, 4, 0, 3]  # the end with the lower number first


def test_domains_that_touch_nothing_are_ordered_too() -> None:
    assert sorted(tissue_order(np.diag([5, 6, 7]))) == [0, 1, 2]
