from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from anndata import AnnData

from scrcl_graph.benchmark.halves import halves_table
from scrcl_graph.presets import get_preset
from scrcl_graph.train import TrainingPlan


def test_clear_types_are_named_alike_from_half_of_the_cells_and_scrambled_ones_are_not(
    planted: AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrcl_graph.benchmark.halves._HALVES", 2)
    scrambled = planted.copy()
    scrambled.X = np.random.default_rng(0).permuted(planted.X.toarray(), axis=0)
    quick = dataclasses.replace(get_preset("default"), n_runs=1, clusterer="kmeans", plan=TrainingPlan(epochs=5))
    files = [tmp_path / "clear.h5ad", tmp_path / "scrambled.h5ad"]
    for adata, file in zip((planted, scrambled), files, strict=True):
        adata.write_h5ad(file)
    rows = [line.strip("| ").split(" | ") for line in halves_table(files, "cell_type", quick).splitlines()[2:]]
    assert [row[0] for row in rows] == ["clear, 4 clusters", "scrambled, 4 clusters"]
    clear, noise = ([float(cell.split(" ± ")[0]) for cell in row[1:]] for row in rows)
    assert min(clear) > 0.9
    assert max(noise[:3]) < 0.6
