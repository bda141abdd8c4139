from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from scrcl_graph.metrics import neighbourhood_purity, silhouette, stability


def test_purity_counts_neighbours_of_the_same_cluster_and_not_the_cell_itself() -> None:
    points = np.array([[0.0], [1.0], [2.1], [10.0], [11.0], [12.1]])
    labels = [0, 0, 1, 1, 1, 1]
    # nearest two: of 0 {1, 2}, of 1 {0, 2}, of 2 {1, 0}; the others only each other
    assert neighbourhood_purity(points, labels, n_neighbors=2) == pytest.approx((0.5 + 0.5 + 0 + 3) / 6)


def test_purity_and_silhouette_of_random_labels_are_low_and_of_planted_ones_high() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 100)
    points = 8.0 * np.eye(4)[truth] + rng.standard_normal((400, 4))
    shuffled = rng.permutation(truth)
    assert neighbourhood_purity(points, truth) > 0.99
    assert neighbourhood_purity(points, shuffled) == pytest.approx(0.25, abs=0.03)
    assert silhouette(points, truth) == pytest.approx(silhouette_score(points, truth))
    assert silhouette(points, shuffled) < 0.01


def test_one_cluster_has_no_silhouette() -> None:
    assert np.isnan(silhouette(np.eye(5), [0] * 5))
    assert np.isnan(silhouette(np.eye(5), range(5)))


def test_stability_is_the_mean_over_pairs_and_does_not_see_names() -> None:
    assert stability([[0, 0, 1, 1], ["b", "b", "a", "a"]]) == 1.0
    assert stability([[0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1]]) == pytest.approx((1 - 0.5 - 0.5) / 3)
    assert np.isnan(stability([[0, 1]]))
