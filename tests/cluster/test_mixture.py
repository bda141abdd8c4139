from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError
from scrcl_graph.cluster import TiedMixture, mixture


@pytest.fixture(scope="module")
def ellipses() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Three parallel ellipses, long along one axis and apart along another, turned in 5 dimensions."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), 100)
    X = rng.standard_normal((300, 5)) * [2.0, 0.5, 0.5, 0.5, 0.5]
    X[:, 1] += 3.0 * truth
    return X @ np.linalg.qr(rng.standard_normal((5, 5)))[0], truth


def test_ellipses_that_kmeans_splits_are_recovered(ellipses: tuple[NDArray[np.float64], NDArray[np.int64]]) -> None:
    X, truth = ellipses
    assert adjusted_rand_score(truth, KMeans(3, n_init=10, random_state=0).fit_predict(X)) < 0.5
    assert adjusted_rand_score(truth, TiedMixture(3).fit_predict(X)) > 0.95


def test_same_seed_same_labels() -> None:
    X = np.random.default_rng(1).standard_normal((100, 4))
    first, second = (TiedMixture(4, n_init=2, random_state=3).fit_predict(X) for _ in range(2))
    assert np.array_equal(first, second)


def test_the_unit_of_the_embedding_does_not_matter(ellipses: tuple[NDArray[np.float64], NDArray[np.int64]]) -> None:
    X, truth = ellipses
    assert adjusted_rand_score(truth, TiedMixture(3).fit_predict(1e-4 * X)) > 0.95


@pytest.mark.parametrize("k", [0, 11])
def test_a_number_of_clusters_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(InputError, match=rf"{k} clusters cannot be found among 10 cells"):
        TiedMixture(k).fit_predict(np.eye(10))


def test_starts_are_tried_on_a_sample_and_the_best_is_fitted_to_all(
    ellipses: tuple[NDArray[np.float64], NDArray[np.int64]], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, truth = ellipses
    monkeypatch.setattr(mixture, "_TRIAL_CELLS", 150)
    assert adjusted_rand_score(truth, TiedMixture(3).fit_predict(X)) > 0.95
