from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scrcl_graph.benchmark import table


@pytest.fixture
def runs() -> pd.DataFrame:
    """Two sets, two floors and one other method, three seeds."""
    values = {
        ("a", "floor1"): [0.5, 0.5, 0.5],
        ("a", "floor2"): [0.6, 0.6, 0.6],
        ("a", "mine"): [0.60, 0.61, 0.605],
        ("b", "floor1"): [0.4, 0.4, 0.4],
        ("b", "floor2"): [0.2, 0.2, 0.2],
        ("b", "mine"): [0.8, 0.4, np.nan],
    }
    rows = [
        {"set": name, "method": method, "kind": "ours" if method == "mine" else "floor", "seed": seed, "ari": ari,
         "status": "ok" if ari == ari else "timeout", "error": "", "k_mode": "auto", "k_true": 5, "k_found": 9 - seed}
        for (name, method), aris in values.items() for seed, ari in enumerate(aris)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_means_and_quartiles_over_the_runs_that_finished(runs: pd.DataFrame) -> None:
    text = table.ari_table(runs, {"first": ["a"], "none": ["z"]})
    assert "| a | 0.500 (0.000) | 0.600 (0.000) | **0.605** (0.005) |" in text
    assert "| b | 0.400 (0.000) | 0.200 (0.000) | **0.600** (0.200) |" in text
    assert "| **mean** | **0.450** | **0.400** | **0.603** |" in text.replace("0.602", "0.603")
    assert "| **mean, first** (1) | **0.500** | **0.600** | **0.605** |" in text
    assert "none" not in text


def test_a_set_that_a_method_never_finished_leaves_no_mean(runs: pd.DataFrame) -> None:
    runs.loc[(runs["set"] == "b") & (runs["method"] == "mine"), "status"] = "timeout"
    text = table.ari_table(runs, {})
    assert "| b | **0.400** (0.000) | 0.200 (0.000) | - |" in text
    assert text.splitlines()[-1].endswith("| - |")


def test_wins_ties_and_losses_against_the_best_floor_of_each_set(runs: pd.DataFrame) -> None:
    text = table.against_floors(runs)
    assert "| mine | 1 | 1 | 0 | +0.103 |" in text.replace("+0.102", "+0.103")
    assert "| floor1 | 0 | 1 | 1 | -0.050 |" in text
    assert "mean ARI 0.500" in text


def test_average_ranks_and_the_critical_difference_of_nemenyi(runs: pd.DataFrame) -> None:
    ranks, critical, n_sets = table.average_ranks(runs)
    assert ranks.to_dict() == {"mine": 1.0, "floor1": 2.5, "floor2": 2.5}
    assert n_sets == 2
    # Demsar 2006, table 5: q of 3 methods at 5 % is 2.343
    assert critical == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 2)), abs=1e-3)


def test_the_number_of_clusters_is_judged_by_its_median(runs: pd.DataFrame) -> None:
    text = table.k_table(runs[runs["status"] == "ok"])
    assert "| a | 5 | 8 | 8 | 8 |" in text
    assert "| b | 5 | 8 | 8 | 8.5 |" in text
    assert "| **within 2** |  | 0 of 2 | 0 of 2 | 0 of 2 |" in text
