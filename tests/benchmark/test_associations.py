from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from scrcl_graph.benchmark import associations as bench


def test_agreement_is_the_mean_spearman_correlation_of_pairs_of_seeds() -> None:
    up, down = pd.Series([1.0, 2.0, 3.0]), pd.Series([3.0, 2.0, 1.0])
    found = bench._agreement([{"B": up, "NK": up}, {"B": up}, {"B": down, "NK": down}])
    assert found["B"] == pytest.approx(-1 / 3)
    assert found["NK"] == pytest.approx(-1)


def test_clusters_are_matched_with_types_of_labelled_cells() -> None:
    truth = pd.Series(["B", "B", "unlabelled", "T", "T", "unlabelled"])
    labels = pd.Series(["1", "1", "0", "0", "0", "2"])
    assert bench._matched(labels, truth) == {"1": "B", "0": "T"}


@pytest.mark.slow
def test_planted_genes_and_modules_are_recovered_at_the_rate_asked_for() -> None:
    score, effect, contrast, false, ari, background = bench.planted_run(0, (1000, 600, 5, 30), 0.1)
    assert min(score, effect, contrast) >= 0.97
    assert false <= 0.07
    assert ari >= 0.9
    assert background <= 0.05


@pytest.mark.slow
def test_split_counts_hold_without_structure() -> None:
    known, split, same = bench.null_run(0)
    assert min(known, split) > 0.01
    assert same < 1e-4


@pytest.mark.slow
def test_canonical_markers_of_blood_cells_are_on_top(data_dir: Path) -> None:
    rows = bench.markers_table(data_dir / "pbmc3k.h5ad", 1).splitlines()[2:11]
    assert sum(row.endswith("| 1 of 1 |") for row in rows) >= 6


@pytest.mark.slow
def test_the_cost_of_each_verb_after_training() -> None:
    rows = bench.cost(1000, 500).splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| associations", "| gene_modules"]
