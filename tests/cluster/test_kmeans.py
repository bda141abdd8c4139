from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError
from scrcl_graph.cluster import SphericalKMeans, by_size


def test_planted_directions_are_recovered_whatever_the_length_of_rows() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(4, size=200)
    X = rng.standard_normal((4, 12))[truth] + 0.3 * rng.standard_normal((200, 12))
    X *= rng.lognormal(0, 2, size=(200, 1))
    model = SphericalKMeans(4).fit(X)
    assert adjusted_rand_score(truth, model.labels_) == 1


def test_scaling_rows_changes_no_label_even_in_pure_noise() -> None:
    rng = np.random.default_rng(1)
    X = rng.standard_normal((150, 6)).astype(np.float32)
    powers = 2.0 ** rng.integers(-5, 6, size=(150, 1))  # exact in floating point
    assert np.array_equal(SphericalKMeans(7).fit_predict(X), SphericalKMeans(7).fit_predict(X * powers))


@pytest.mark.parametrize("k", [4, 5, 9, 40])
def test_duplicated_points_leave_no_cluster_empty_and_no_centre_undefined(k: int) -> None:
    X = np.repeat(np.random.default_rng(2).standard_normal((4, 3)), 10, axis=0)
    model = SphericalKMeans(k, n_init=3).fit(X)
    assert set(model.labels_) == set(range(k))
    np.testing.assert_allclose(np.linalg.norm(model.cluster_centers_, axis=1), 1, rtol=1e-5)
    assert model.objective_ == pytest.approx(len(X), rel=1e-5)  # every point lies on its centre


def test_rows_of_zeros_are_labelled_and_spoil_nothing() -> None:
    X = np.random.default_rng(3).standard_normal((50, 4))
    X[::10] = 0
    model = SphericalKMeans(3).fit(X)
    assert np.isfinite(model.cluster_centers_).all()
    assert np.isfinite(model.objective_)
    assert set(model.labels_) == {0, 1, 2}


def test_best_of_many_starts_is_not_worse_than_its_first() -> None:
    X = np.random.default_rng(4).standard_normal((120, 5))
    single = np.array([SphericalKMeans(8, n_init=1, random_state=s).fit(X).objective_ for s in range(8)])
    best = np.array([SphericalKMeans(8, n_init=10, random_state=s).fit(X).objective_ for s in range(8)])
    assert (best >= single).all()
    assert best.mean() > single.mean()


def test_the_objective_is_the_sum_of_cosines_and_no_label_can_be_improved() -> None:
    X = np.random.default_rng(5).standard_normal((100, 4))
    model = SphericalKMeans(5).fit(X)
    cosine = (X / np.linalg.norm(X, axis=1, keepdims=True)) @ model.cluster_centers_.T
    assert model.objective_ == pytest.approx(cosine[np.arange(100), model.labels_].sum(), rel=1e-5)
    assert np.array_equal(cosine.argmax(axis=1), model.labels_)


def test_same_seed_same_labels_and_the_seed_matters() -> None:
    X = np.random.default_rng(6).standard_normal((100, 5))
    runs = [SphericalKMeans(6, n_init=1, random_state=s).fit_predict(X) for s in (0, 0, 1)]
    assert np.array_equal(runs[0], runs[1])
    assert adjusted_rand_score(runs[0], runs[2]) < 1


@pytest.mark.parametrize("k", [0, 11])
def test_a_number_of_clusters_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(InputError, match=rf"{k} clusters cannot be found among 10 cells"):
        SphericalKMeans(k).fit(np.eye(10))


def test_by_size_numbers_clusters_from_the_largest() -> None:
    labels = np.array([5, 5, 2, 9, 9, 9, 2, 7])
    assert by_size(labels).tolist() == [1, 1, 2, 0, 0, 0, 2, 3]


def test_values_that_are_not_finite_are_refused() -> None:
    X = np.eye(10)
    X[3, 4] = np.nan
    with pytest.raises(InputError, match="not finite"):
        SphericalKMeans(2).fit(X)
