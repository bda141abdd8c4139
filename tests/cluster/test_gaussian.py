from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from scrcl_graph.cluster._gaussian import SampledWard, complete


def test_wards_tree_of_a_sample_labels_all_cells() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(3, size=2500)
    X = 9.0 * np.eye(3)[truth] + rng.standard_normal((2500, 3))
    assert adjusted_rand_score(truth, SampledWard(X, 3, 0).cut(3)) == 1.0


def test_partitions_with_all_clusters_go_before_others() -> None:
    two, three = np.array([0, 0, 2, 2]), np.array([0, 1, 2, 2])
    assert complete([two, three, two], 3) == [1]
    assert complete([two, three], 4) == [0, 1]
