from __future__ import annotations

import dataclasses
from pathlib import Path

import anndata
import numpy as np
import pytest
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError, ScRCL, tl
from scrcl_graph.presets import get_preset


@pytest.fixture(scope="module")
def folder(_planted: AnnData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of half of the planted cells, saved by tl.refine."""
    path = tmp_path_factory.mktemp("saved") / "model"
    preset = dataclasses.replace(get_preset("default"), n_runs=1)
    tl.refine(_planted[::2].copy(), n_clusters=4, preset=preset, model_path=path)
    return path


@pytest.fixture
def new(planted: AnnData) -> AnnData:
    return planted[1::2].copy()


def test_unseen_cells_get_the_planted_types(new: AnnData, folder: Path) -> None:
    assert tl.apply(new, folder) is None
    assert adjusted_rand_score(new.obs["cell_type"], new.obs["scrcl"]) > 0.9
    assert new.obs["scrcl"].cat.categories.tolist() == ["0", "1", "2", "3"]
    assert new.obsm["X_scrcl"].dtype == np.float32
    read = {"spatial_key": "none", "connectivities_key": "none", "batch_key": "none"}
    assert new.uns["scrcl"]["input"] == {"matrix": "X"} | read
    assert len(new.uns["scrcl"]["missing_genes"]) == 0


def test_a_folder_and_a_model_in_memory_give_the_same(new: AnnData, folder: Path) -> None:
    first = tl.apply(new, folder, copy=True)
    second = tl.apply(new, ScRCL.load(folder), key_added="other", copy=True)
    assert "scrcl" not in new.obs
    assert first is not None
    assert second is not None
    assert first.obs["scrcl"].tolist() == second.obs["other"].tolist()
    np.testing.assert_array_equal(first.obsm["X_scrcl"], second.obsm["X_other"])


def test_a_model_does_not_need_the_file_of_its_preset_again(planted: AnnData, new: AnnData, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("n_runs = 1\n[training]\nepochs = 2\n")
    model = ScRCL(4, preset=str(tmp_path / "mine.toml"))
    with pytest.raises(InputError, match="not fitted yet"):
        tl.apply(new, model)
    model.fit(planted.X, genes=planted.var_names)
    (tmp_path / "mine.toml").unlink()
    tl.apply(new, model)
    assert "scrcl" in new.obs


@pytest.mark.parametrize("n_missing", [0, 5])
def test_missing_genes_are_listed_and_results_survive_h5ad(
    n_missing: int, new: AnnData, folder: Path, tmp_path: Path
) -> None:
    genes = ScRCL.load(folder).genes_
    less = new[:, ~new.var_names.isin(genes[:n_missing])].copy()
    tl.apply(less, folder)
    assert less.uns["scrcl"]["missing_genes"].tolist() == list(genes[:n_missing])
    less.write_h5ad(tmp_path / "less.h5ad")
    back = anndata.read_h5ad(tmp_path / "less.h5ad")
    assert list(back.uns["scrcl"]["missing_genes"]) == list(genes[:n_missing])
    assert back.obs["scrcl"].tolist() == less.obs["scrcl"].tolist()


def test_unusable_input_is_refused_and_nothing_is_written(new: AnnData, folder: Path, tmp_path: Path) -> None:
    before = (set(new.obs), set(new.obsm), set(new.uns))
    with pytest.raises(InputError, match="not a saved model"):
        tl.apply(new, tmp_path)
    with pytest.raises(InputError, match="no layer 'counts'"):
        tl.apply(new, folder, layer="counts")
    with pytest.raises(InputError, match="makes its own coordinates"):
        tl.apply(new, folder, use_rep="spatial")
    with pytest.raises(InputError, match="not fitted"):
        tl.apply(new, ScRCL())
    renamed = new.copy()
    renamed.var_names = [f"other_{i}" for i in range(new.n_vars)]
    with pytest.raises(InputError, match=r"none of the .* genes of the model"):
        tl.apply(renamed, folder)
    assert (set(new.obs), set(new.obsm), set(new.uns)) == before
