from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, f1_score, normalized_mutual_info_score

from scrcl_graph.metrics import SCORES, intervals, match_clusters, score


def test_scores_of_a_small_case_worked_by_hand() -> None:
    # a: 3 cells, clusters x x y; b: 3 cells, clusters y y y
    found = score(["a", "a", "a", "b", "b", "b"], ["x", "x", "y", "y", "y", "y"])
    assert found["acc"] == pytest.approx(5 / 6)
    # F1 of a: precision 1, recall 2/3; of b: precision 3/4, recall 1
    assert found["macro_f1"] == pytest.approx((0.8 + 6 / 7) / 2)
    # pairs together in both 1 + 3 = 4; in truth 6, in clusters 1 + 6 = 7; of 15
    assert found["ari"] == pytest.approx((4 - 6 * 7 / 15) / ((6 + 7) / 2 - 6 * 7 / 15))
    h = np.log(2)
    h_clusters = -(1 / 3) * np.log(1 / 3) - (2 / 3) * np.log(2 / 3)
    mutual = 1 / 3 * np.log(2) + 1 / 6 * np.log(1 / 2) + 1 / 2 * np.log(3 / 2)
    assert found["nmi"] == pytest.approx(mutual / ((h + h_clusters) / 2))
    assert np.isnan(found["rare_recall"])  # both classes hold half of the cells
    assert tuple(found) == SCORES


def test_names_of_clusters_do_not_matter_and_a_perfect_result_scores_one() -> None:
    truth = pd.Series(["b"] * 30 + ["a"] * 30 + ["c"], dtype="category")
    assert score(truth, [7] * 30 + [3] * 30 + [5]) == pytest.approx(dict.fromkeys(SCORES, 1.0))


def test_the_matching_is_the_best_of_all_one_to_one_matchings() -> None:
    rng = np.random.default_rng(0)
    truth, labels = rng.integers(4, size=60), rng.integers(4, size=60)
    best = max(np.mean(np.array(order)[labels] == truth) for order in permutations(range(4)))
    assert np.mean(match_clusters(truth, labels) == truth) == best


def test_cells_of_surplus_clusters_stay_unmatched() -> None:
    matched = match_clusters(["a", "a", "a", "b", "b"], [0, 0, 2, 1, 1])
    assert matched.tolist() == [0, 0, -1, 1, 1]
    assert score(["a", "a", "a", "b", "b"], [0, 0, 2, 1, 1])["acc"] == pytest.approx(4 / 5)


def test_a_missed_rare_type_shows_in_rare_recall_and_hardly_in_accuracy() -> None:
    truth = np.repeat(["big", "other", "rare"], [60, 37, 3])
    labels = np.repeat([0, 1, 0], [60, 37, 3])
    found = score(truth, labels)
    assert found["acc"] == pytest.approx(0.97)
    assert found["rare_recall"] == 0
    labels[-1] = 2
    assert score(truth, labels)["rare_recall"] == pytest.approx(1 / 3)


def test_random_labels_have_an_ari_of_about_zero() -> None:
    rng = np.random.default_rng(1)
    assert abs(score(rng.integers(5, size=2000), rng.integers(5, size=2000))["ari"]) < 0.01


def test_scores_agree_with_scikit_learn_on_any_table() -> None:
    rng = np.random.default_rng(2)
    for k in (1, 3, 8):
        truth, labels = rng.integers(5, size=300), rng.integers(k, size=300)
        found = score(truth, labels)
        assert found["ari"] == pytest.approx(adjusted_rand_score(truth, labels), abs=1e-12)
        assert found["nmi"] == pytest.approx(normalized_mutual_info_score(truth, labels), abs=1e-12)
        matched = match_clusters(truth, labels)
        expected = f1_score(truth, matched, labels=np.arange(5), average="macro", zero_division=0)
        assert found["macro_f1"] == pytest.approx(expected)


def test_intervals_hold_the_spread_of_resampled_cells() -> None:
    rng = np.random.default_rng(3)
    truth = np.repeat(np.arange(4), [300, 150, 40, 10])
    labels = np.where(rng.random(500) < 0.8, truth, rng.integers(4, size=500))
    found = intervals(truth, labels, n_resamples=1000)
    resampled = [rng.integers(500, size=500) for _ in range(1500)]
    for name in ("acc", "nmi", "ari", "macro_f1"):
        expected = np.percentile([score(truth[rows], labels[rows])[name] for rows in resampled], [2.5, 97.5])
        assert found[name] == pytest.approx(tuple(expected), abs=0.02)
        low, high = found[name]
        assert low < score(truth, labels)[name] < high
    assert intervals(truth, labels) == intervals(truth, labels)
