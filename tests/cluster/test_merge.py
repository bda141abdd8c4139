from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError
from scrcl_graph.cluster import MergedKMeans, SphericalKMeans


def test_very_unbalanced_groups_are_recovered_where_kmeans_splits_the_largest() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), [500, 12, 10, 8])
    X = 10.0 * np.eye(4, 8)[truth] + rng.standard_normal((len(truth), 8)) * np.where(truth == 0, 3.0, 0.5)[:, None]
    assert adjusted_rand_score(truth, SphericalKMeans(4).fit_predict(X)) < 0.5
    assert adjusted_rand_score(truth, MergedKMeans(4).fit_predict(X)) > 0.95


def test_the_wanted_number_is_found_and_coarser_results_are_nested() -> None:
    X = np.random.default_rng(1).standard_normal((200, 5))
    fine, coarse = MergedKMeans(6, n_fine=30), MergedKMeans(3, n_fine=30)
    six, three = fine.fit_predict(X), coarse.fit_predict(X)
    assert (len(set(six)), len(set(three))) == (6, 3)
    assert all(len(set(three[six == i])) == 1 for i in range(6))
    assert fine.tree_.shape == (29, 4)
    assert np.array_equal(six, MergedKMeans(6, n_fine=30).fit_predict(X))


@pytest.mark.parametrize("k", [1, 2, 8, 10])
def test_few_cells_give_as_many_clusters_as_wanted(k: int) -> None:
    X = np.random.default_rng(2).standard_normal((10, 4))
    assert set(MergedKMeans(k).fit_predict(X)) == set(range(k))


@pytest.mark.parametrize("k", [0, 11])
def test_a_number_of_clusters_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(InputError, match=rf"{k} clusters cannot be found among 10 cells"):
        MergedKMeans(k).fit_predict(np.eye(10))
