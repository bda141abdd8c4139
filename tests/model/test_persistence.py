from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from anndata import AnnData
from safetensors.numpy import load_file, save_file

from scrcl_graph import InputError, ScRCL
from scrcl_graph.model import persistence
from scrcl_graph.nn import LAYERS
from scrcl_graph.presets import Preset, get_preset
from scrcl_graph.train import TrainingPlan

QUICK = dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=5))


@pytest.fixture
def saved(half: ScRCL, tmp_path: Path) -> Path:
    half.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def new_cells(planted: AnnData) -> AnnData:
    return planted[1:40:2].copy()


def small_paper() -> Preset:
    paper = get_preset("paper")
    return dataclasses.replace(paper, hidden_dim=32, plan=dataclasses.replace(paper.plan, epochs=5))


@pytest.mark.parametrize(
    ("preset", "extra"),
    [
        (QUICK, {}),
        (dataclasses.replace(QUICK, n_runs=2), {}),
        (QUICK, {"rep": lambda adata: np.asarray(adata.X[:, :8].todense())}),
        (dataclasses.replace(QUICK, n_spatial_neighbors=6), {"spatial": lambda adata: adata.obsm["spatial"]}),
        (
            dataclasses.replace(QUICK, n_spatial_neighbors=6, embedding="coordinates"),
            {"spatial": lambda adata: adata.obsm["spatial"], "library": lambda adata: adata.obs_names.str[-1] > "4"},
        ),
        (small_paper(), {}),
    ],
    ids=["default", "two runs", "given coordinates", "spatial", "slices", "paper"],
)
def test_a_loaded_model_gives_the_same_bits(
    planted: AnnData, tmp_path: Path, preset: Preset, extra: dict[str, Callable[[AnnData], Any]]
) -> None:
    known, new = planted[::2].copy(), planted[1::2].copy()
    model = ScRCL(4, preset=preset, random_state=3)
    model.fit(known.X, genes=known.var_names, **{name: read(known) for name, read in extra.items()})
    model.save(tmp_path / "model")
    loaded = ScRCL.load(tmp_path / "model")
    options = {"genes": new.var_names, **{name: read(new) for name, read in extra.items()}}
    np.testing.assert_array_equal(loaded.transform(new.X, **options), model.transform(new.X, **options))
    np.testing.assert_array_equal(loaded.predict(new.X, **options), model.predict(new.X, **options))
    assert loaded.genes_ == model.genes_
    assert (loaded.n_clusters_, loaded.random_state, loaded.preset) == (model.n_clusters_, 3, preset)


def test_the_folder_holds_json_and_safetensors_only(saved: Path) -> None:
    assert sorted(file.name for file in saved.iterdir()) == ["model.json", "model.safetensors"]
    meta = json.loads((saved / "model.json").read_text())
    assert meta["format"] == persistence.FORMAT
    assert [path.name for path in saved.parent.iterdir()] == ["model"]  # no temporary folder is left


def test_loading_never_unpickles(saved: Path, new_cells: AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("something was unpickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, refuse)
    assert len(ScRCL.load(saved).predict(new_cells.X, genes=new_cells.var_names)) == new_cells.n_obs


def test_an_existing_model_is_replaced_only_on_demand(saved: Path, half: ScRCL, fitted: ScRCL) -> None:
    with pytest.raises(InputError, match="exists already: pass overwrite=True"):
        fitted.save(saved)
    assert ScRCL.load(saved).random_state == half.random_state
    fitted.save(saved, overwrite=True)
    assert ScRCL.load(saved).random_state == fitted.random_state != half.random_state


def test_a_folder_that_is_no_model_is_never_replaced(tmp_path: Path, half: ScRCL) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(InputError, match="exists already: choose another path"):
        half.save(tmp_path / "thesis", overwrite=True)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_interrupted_save_leaves_nothing_new_behind(
    overwrite: bool, saved: Path, fitted: ScRCL, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("scrcl_graph.model.persistence.save_file", fail)
    target = saved if overwrite else saved.with_name("other")
    before = {file: file.read_bytes() for file in saved.iterdir()}
    with pytest.raises(OSError, match="disk full"):
        fitted.save(target, overwrite=overwrite)
    assert [path.name for path in saved.parent.iterdir()] == ["model"]
    assert {file: file.read_bytes() for file in saved.iterdir()} == before


def truncate(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-200])


def rewrite(change: Callable[[dict], object]) -> Callable[[Path], object]:
    def apply(folder: Path) -> None:
        file = folder / "model.json"
        file.write_text(json.dumps(change(json.loads(file.read_text()))))

    return apply


def spoil(name: str, value: float) -> Callable[[Path], object]:
    def apply(folder: Path) -> None:
        arrays = load_file(folder / "model.safetensors")
        arrays[name] = np.full_like(arrays[name], value)
        save_file(arrays, folder / "model.safetensors")

    return apply


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate("model.safetensors"), "not a saved model"),
        (truncate("model.json"), "not a saved model"),
        (lambda folder: (folder / "model.safetensors").unlink(), "not a saved model"),
        (lambda folder: (folder / "model.json").unlink(), "not a saved model"),
        (rewrite(lambda meta: [meta]), "not a saved model|damaged"),
        (rewrite(lambda meta: meta | {"format": 99}), f"format 99, this version reads {persistence.FORMAT}"),
        (rewrite(lambda meta: meta | {"n_runs": meta["n_runs"] + 1}), "damaged"),
        (rewrite(lambda meta: {"format": persistence.FORMAT}), "damaged"),
        (rewrite(lambda meta: meta | {"network": meta["network"] | {"cell_dim": 7}}), "damaged"),
        (rewrite(lambda meta: meta | {"n_runs": 0}), "damaged.*no network"),
        (rewrite(lambda meta: meta | {"n_clusters_found": 1}), "damaged.*labels are out of range"),
        (rewrite(lambda meta: meta | {"genes": meta["genes"][:-1]}), "damaged.*expression is"),
        (rewrite(lambda meta: meta | {"genes": [*meta["genes"][:-1], meta["genes"][0]]}), "damaged.*twice"),
        (rewrite(lambda meta: meta | {"input_state": "x"}), "input_state 'x'"),
        (spoil("reference.similar.indices", 10**6), "damaged"),
        (spoil("reference.gene_x", np.nan), "damaged.*gene_x holds NaN"),
        (spoil("labels", -1), "damaged.*labels are out of range"),
    ],
    ids=[
        *(
            "arrays cut",
            "json cut",
            "no arrays",
            "no json",
            "a list",
            "format",
            "run missing",
            "keys missing",
            "shapes",
        ),
        *("no run", "clusters", "genes", "genes twice", "state", "edges", "not finite", "labels"),
    ],
)
def test_a_damaged_or_foreign_model_is_refused(saved: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(saved)
    with pytest.raises(InputError, match=message):
        ScRCL.load(saved)


def test_a_path_without_a_model_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError, match="not a saved model"):
            ScRCL.load(path)


def test_a_model_that_is_not_fitted_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not fitted yet"):
        ScRCL(4).save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_whole_numbers_of_numpy_can_be_saved(planted: AnnData, tmp_path: Path) -> None:
    model = ScRCL(np.int64(4), preset=QUICK, random_state=np.int64(2)).fit(planted.X)  # type: ignore[arg-type]
    model.save(tmp_path / "model")
    assert ScRCL.load(tmp_path / "model").n_clusters == 4


class Doubled(torch.nn.Module):
    def __init__(self, in_channels: int, out_channels: int, factor: float = 1.0) -> None:
        super().__init__()
        self.factor, self.linear = factor, torch.nn.Linear(in_channels, out_channels)

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        source, target = edge_index
        return self.linear(x) + self.factor * torch.zeros_like(x).index_add(0, target, x[source]) @ self.linear.weight.T


def test_a_model_with_a_layer_of_ones_own_needs_the_class_again(
    planted: AnnData, new_cells: AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = dataclasses.replace(QUICK, layers={"cell-cell": (Doubled, {"factor": 0.1}), "gene-gene": "sage"})
    model = ScRCL(4, preset=preset).fit(planted.X, genes=planted.var_names)
    model.save(tmp_path / "model")
    with pytest.raises(InputError, match=r"not part of this package.*unknown layer 'Doubled'.*nn.register_layer"):
        ScRCL.load(tmp_path / "model")
    monkeypatch.setitem(LAYERS.entries, "Doubled", Doubled)
    loaded = ScRCL.load(tmp_path / "model")
    assert loaded._networks[0].first["similar_to"].layer.factor == 0.1
    np.testing.assert_array_equal(
        loaded.transform(new_cells.X, genes=new_cells.var_names),
        model.transform(new_cells.X, genes=new_cells.var_names),
    )


def test_a_saved_model_cannot_name_a_file_to_run(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass A: pass\n")
    meta = json.loads((saved / "model.json").read_text())
    meta["preset"]["layers"] = {"cell-cell": f"{tmp_path}/evil.py:A"}
    (saved / "model.json").write_text(json.dumps(meta))
    with pytest.raises(InputError, match="unknown layer"):
        ScRCL.load(saved)
    assert not (tmp_path / "ran").exists()
