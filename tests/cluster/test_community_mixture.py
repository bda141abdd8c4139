from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError
from scrcl_graph.cluster import CommunityMixture, TiedMixture
from scrcl_graph.cluster._gaussian import leading_components
from scrcl_graph.cluster.community_mixture import Mixtures, n_components, shape_likelihood


def test_a_small_group_beside_a_large_one_keeps_its_border_where_kmeans_cuts_the_large_one() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], [900, 60])
    X = rng.standard_normal((960, 4))
    X[:, 1] += 3.5 * truth
    assert adjusted_rand_score(truth, KMeans(2, n_init=10, random_state=0).fit_predict(X)) < 0.5
    assert adjusted_rand_score(truth, CommunityMixture(2).fit_predict(X)) > 0.85


def test_a_curved_type_stays_whole_where_the_largest_likelihood_cuts_it() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), [600, 60, 60])
    angle = rng.uniform(0, 1.4 * np.pi, 600)
    arc = 4.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    X = np.zeros((720, 6))
    X[:600, :2] = arc
    X[600:, 2] = np.where(truth[600:] == 1, 0.8, -0.8)
    X[600:, 3] = 3.0
    X += 0.25 * rng.standard_normal(X.shape)
    assert adjusted_rand_score(truth, TiedMixture(3).fit_predict(X)) < 0.7
    assert adjusted_rand_score(truth, CommunityMixture(3).fit_predict(X)) > 0.9


def test_cells_between_the_types_are_no_cluster_though_they_bend_a_component_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(6)
    truth = rng.integers(4, size=1200)
    purity = np.where(rng.random(1200) < 0.25, rng.uniform(0.2, 0.8, 1200), 1.0)
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    X = np.repeat([0.25, 0.2, 0.03], [3, 6, 4]) * rng.standard_normal((1200, 13))
    X[:, :3] += purity[:, None] * corners[truth]
    X[:, 9] += 0.4 * (1 - purity)
    assert adjusted_rand_score(truth, CommunityMixture(4).fit_predict(X)) > 0.95
    monkeypatch.setattr("scrcl_graph.cluster.community_mixture._FEWEST_COMPONENTS", 15)
    assert adjusted_rand_score(truth, CommunityMixture(4).fit_predict(X)) < 0.85


@pytest.mark.parametrize(("k", "expected"), [(2, 9), (10, 9), (11, 10), (25, 24)])
def test_a_mixture_has_the_dimensions_its_means_span_and_at_least_nine(k: int, expected: int) -> None:
    assert n_components(k) == expected


def test_same_seed_same_labels() -> None:
    X = np.random.default_rng(1).standard_normal((100, 4))
    first, second = (CommunityMixture(4, random_state=3).fit_predict(X) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_few_cells_give_as_many_clusters_as_wanted(k: int) -> None:
    X = np.random.default_rng(2).standard_normal((10, 4))
    assert len(set(CommunityMixture(k).fit_predict(X))) == k


@pytest.mark.parametrize("k", [0, 11])
def test_a_number_of_clusters_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(InputError, match=rf"{k} clusters cannot be found among 10 cells"):
        CommunityMixture(k).fit_predict(np.eye(10))


def test_shape_likelihood_is_that_of_gaussians_with_the_shrunk_covariances() -> None:
    rng = np.random.default_rng(3)
    X, labels = rng.standard_normal((60, 3)) * [1, 2, 3], rng.integers(2, size=60)
    expected = 0.0
    for cluster in (0, 1):
        own = X[labels == cluster]
        shape = np.cov(own.T, bias=True) + 0.1 * np.diag(X.var(axis=0))
        expected += multivariate_normal(own.mean(axis=0), shape).logpdf(own).sum() + len(own) * np.log(len(own) / 60)
    assert shape_likelihood(X, labels) == pytest.approx(expected / 60 + 1.5 * np.log(2 * np.pi))


def test_of_several_communities_the_ones_with_the_best_shapes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    # seeds counted on, so that one run draws what three others draw singly
    counted = "scrcl_graph.cluster.community_mixture.seeds"
    monkeypatch.setattr(counted, lambda seed, n: list(range(seed, seed + n)))
    # no structure: every start ends elsewhere
    X = np.random.default_rng(7).standard_normal((200, 5)).astype(np.float32)
    points = leading_components(X, n_components(6), 0)

    def likelihood(seed: int, n_communities: int) -> float:
        mixtures = Mixtures(X, points, 6, seed, n_communities=n_communities)
        return shape_likelihood(points, mixtures.fit(6).predict(points))

    single = [likelihood(seed, 1) for seed in range(3)]
    assert len(set(single)) > 1
    assert likelihood(0, 3) == pytest.approx(max(single))


def test_what_is_shared_between_numbers_of_clusters_changes_no_label() -> None:
    X = np.random.default_rng(6).standard_normal((150, 6)).astype(np.float32)
    points = leading_components(X, n_components(7), 2)
    shared = Mixtures(X, points, 7, 2, n_communities=3)  # 7 and fewer clusters are found in as many groups
    for k in (7, 2, 5):
        alone = CommunityMixture(k, random_state=2).fit_predict(X)
        np.testing.assert_array_equal(shared.fit(k).predict(points), alone)
