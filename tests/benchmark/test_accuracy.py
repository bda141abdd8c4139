from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from anndata import AnnData

from scrcl_graph.benchmark import accuracy
from scrcl_graph.benchmark.methods import METHODS


def test_no_method_sees_a_label(planted: AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.write_h5ad(tmp_path / "set.h5ad")
    seen: list[AnnData] = []

    def spy(adata: AnnData, k: int, seed: int) -> np.ndarray:
        seen.append(adata)
        return np.arange(adata.n_obs) % k

    monkeypatch.setitem(METHODS, "spy", spy)
    ari = accuracy.run_one(tmp_path / "set.h5ad", "spy", "cell_type", 0)
    assert ari < 0.2
    assert list(seen[0].obs.columns) == []
    assert list(seen[0].uns) == []
    assert set(seen[0].obsm) <= {"spatial"}


def test_the_floor_finds_planted_types(planted: AnnData, tmp_path: Path) -> None:
    planted.write_h5ad(tmp_path / "set.h5ad")
    assert accuracy.run_one(tmp_path / "set.h5ad", "pca_kmeans", "cell_type", 0) > 0.5
