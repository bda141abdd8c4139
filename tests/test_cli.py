from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

import scrcl_graph
from scrcl_graph import InputError, cli, datasets, tl
from scrcl_graph.presets import get_preset
from scrcl_graph.train import TrainingPlan


@pytest.fixture
def source(planted: AnnData, tmp_path: Path) -> Path:
    planted.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def call(*arguments: object) -> int:
    """Exit code of the command."""
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(argument) for argument in arguments])
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


def test_refine_then_apply_from_file_to_file(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scrcl_graph.pl.clusters.umap_points", lambda embedding, seed: embedding[:, :2])
    before = source.read_bytes()
    out, report, model, again = (tmp_path / name for name in ("out.h5ad", "report.html", "model", "again.h5ad"))
    assert call("refine", source, "-o", out, "--n-clusters", 4, "--report", report, "--model", model, "--modules") == 0
    printed = capsys.readouterr().out
    assert "240 cells in 4 clusters of " in printed
    assert all(str(path) in printed for path in (out, report, model))

    adata = anndata.read_h5ad(out)
    assert adjusted_rand_score(adata.obs["cell_type"], adata.obs["scrcl"]) > 0.9
    assert {"spatial", "X_scrcl"} <= set(adata.obsm)
    assert "cells.h5ad" in report.read_text()
    assert "Its highest gene module is" in report.read_text()
    assert {file.name for file in model.iterdir()} == {"model.json", "model.safetensors"}

    assert call("apply", model, source, "-o", again, "--key-added", "mine") == 0
    assert "240 cells labelled" in capsys.readouterr().out
    applied = anndata.read_h5ad(again)
    assert adjusted_rand_score(adata.obs["scrcl"], applied.obs["mine"]) > 0.95
    assert source.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {
        "cells.h5ad", "out.h5ad", "report.html", "model", "again.h5ad"
    }  # fmt: skip


@pytest.mark.parametrize("store", ["h5ad", "zarr"])
def test_a_large_file_is_streamed_and_all_its_content_kept(
    store: str, planted: AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("scrcl_graph.pl.clusters.umap_points", lambda embedding, seed: embedding[:, :2])
    planted.raw = planted.copy()
    planted.layers["half"] = planted.X.toarray() / 2
    planted.layers["by_gene"] = planted.X.tocsc()
    planted.uns["note"] = "mine"
    source, small, large = tmp_path / f"cells.{store}", tmp_path / "small.h5ad", tmp_path / "large.h5ad"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anndata on versions of zarr
        getattr(planted, f"write_{store}")(source)
    planted.write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "quick.toml").write_text("n_runs = 1\n[training]\nepochs = 5\n")
    options = ["--n-clusters", 4, "--preset", tmp_path / "quick.toml"]
    assert call("refine", tmp_path / "cells.h5ad", "-o", small, *options) == 0
    monkeypatch.setattr("scrcl_graph.io.IN_MEMORY", 1000)
    monkeypatch.setattr("scrcl_graph._matrix.BLOCK", 500)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with caplog.at_level("INFO", "scrcl_graph"):
        assert call("refine", source, "-o", large, "--report", tmp_path / "report.html", *options) == 0
    assert ("a block of cells at a time" in caplog.text) is (store == "h5ad")
    assert "layers/by_gene is stored by genes" in caplog.text
    wanted, got = anndata.read_h5ad(small), anndata.read_h5ad(large)
    pd.testing.assert_frame_equal(got.obs, wanted.obs)
    assert got.obsm["X_scrcl"].tobytes() == wanted.obsm["X_scrcl"].tobytes()
    assert got.uns["note"] == "mine"
    for matrix in (got.X, got.raw.X, got.layers["by_gene"], 2 * sp.csr_matrix(got.layers["half"])):
        assert (matrix != planted.X).nnz == 0
    assert list(got.raw.var_names) == list(planted.var_names)
    assert {file: file.read_bytes() for file in before} == before


def test_domains_of_two_slices_from_file_to_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tissue = datasets.synthetic_tissue(250, 120, 3, 6, n_slices=2, batch=0.5, mixing=0.0, fold=6.0, seed=1)
    tissue.write_h5ad(tmp_path / "tissue.h5ad")
    options = ["--n-clusters", 3, "--library-key", "slice", "--spatial-graph", "delaunay", "--spatial-vote"]
    options += ["--layers", "sage{aggr='max'},cell-gene=gat", "--model", tmp_path / "model"]
    assert call("domains", tmp_path / "tissue.h5ad", "-o", tmp_path / "out.h5ad", *options) == 0
    assert "500 cells in 3 clusters of " in capsys.readouterr().out
    out = anndata.read_h5ad(tmp_path / "out.h5ad")
    assert adjusted_rand_score(tissue.obs["domain"], out.obs["scrcl"]) > 0.8
    assert out.uns["scrcl"]["params"]["spatial_graph"] == "delaunay"
    assert out.uns["scrcl_domain_statistics"]["library_key"] == "slice"
    assert out.uns["scrcl"]["params"]["layers"] == "cell-cell: sage, aggr: max; cell-gene: gat"
    again = tmp_path / "again.h5ad"
    assert call("apply", tmp_path / "model", tmp_path / "tissue.h5ad", "-o", again, "--library-key", "slice") == 0
    applied = anndata.read_h5ad(again)
    assert adjusted_rand_score(out.obs["scrcl"], applied.obs["scrcl"]) > 0.8
    assert applied.uns["scrcl"]["input"]["spatial_key"] == "spatial"
    assert applied.uns["scrcl"]["input"]["batch_key"] == "slice"
    capsys.readouterr()
    assert call("domains", tmp_path / "tissue.h5ad", "-o", tmp_path / "no.h5ad", "--spatial-graph", "radius") == 2
    assert "needs radius=" in capsys.readouterr().err


def test_same_seed_same_file_content(source: Path, tmp_path: Path) -> None:
    for name in ("a.h5ad", "b.h5ad"):
        assert call("refine", source, "-o", tmp_path / name, "--seed", 3, "--n-clusters", 4) == 0
    first, second = (anndata.read_h5ad(tmp_path / name) for name in ("a.h5ad", "b.h5ad"))
    assert first.uns["scrcl"]["params"]["random_state"] == 3
    assert first.obsm["X_scrcl"].tobytes() == second.obsm["X_scrcl"].tobytes()


def scaled(path: Path) -> None:
    adata = anndata.read_h5ad(path)
    adata.X = adata.X.toarray() - 1
    adata.write_h5ad(path)


def broken(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


Spoil = Callable[[Path], object]
REFUSED: list[tuple[str, Spoil | None, list[str], str]] = [
    ("missing file", Path.unlink, [], "there is no file"),
    ("not an h5ad", broken, [], "cannot be read as .h5ad"),
    ("unknown preset", None, ["--preset", "best"], "unknown preset 'best'"),
    ("one cluster", None, ["--n-clusters", "1"], "at least 2"),
    ("too many clusters", None, ["--n-clusters", "9999"], "less than the 240 cells"),
    ("negative seed", None, ["--seed", "-1"], "the seed is -1"),
    ("unknown layer", None, ["--layer", "counts"], "no layer 'counts'"),
    ("unknown device", None, ["--device", "abacus"], "device 'abacus'"),
    ("scaled without raw", scaled, [], "negative values, as after scaling"),
    ("no positions", None, ["--preset", "spatial", "--spatial-key", "xy"], "no obsm['xy']"),
]


@pytest.mark.parametrize(("spoil", "options", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_bad_input_ends_with_code_2_and_one_line(
    spoil: Spoil | None,
    options: list[str],
    message: str,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if spoil is not None:
        spoil(source)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    capsys.readouterr()
    assert call("refine", source, "-o", tmp_path / "out.h5ad", "--model", tmp_path / "model", *options) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert message in shown.err
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("option", ["--output", "--report", "--model"])
def test_a_missing_output_folder_is_refused_before_any_work(
    option: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scrcl_graph.tl.refine", lambda *args, **kwargs: pytest.fail("work was begun"))
    assert call("refine", source, "-o", tmp_path / "out.h5ad", option, tmp_path / "nowhere" / "result") == 2
    assert capsys.readouterr().err == (
        f"scrcl-graph: cannot write {tmp_path}/nowhere/result: the folder {tmp_path}/nowhere does not exist\n"
    )


@pytest.mark.parametrize("option", ["--output", "--report", "--model"])
def test_a_folder_in_the_place_of_a_result_is_refused_before_any_work(
    option: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scrcl_graph.model.ScRCL.fit", lambda *args, **kwargs: pytest.fail("work was begun"))
    (tmp_path / "taken").mkdir()
    assert call("refine", source, "-o", tmp_path / "out.h5ad", option, tmp_path / "taken") == 2
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert str(tmp_path / "taken") in shown
    assert {path.name for path in tmp_path.iterdir()} == {"cells.h5ad", "taken"}


def test_apply_refuses_a_folder_without_model(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("apply", tmp_path, source, "-o", tmp_path / "out.h5ad") == 2
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert "is not a saved model" in shown
    assert list(tmp_path.iterdir()) == [source]


def test_gene_sets_without_a_report_are_refused(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = tmp_path / "sets.gmt"
    sets.write_text("a\tb\tgene_1\n")
    assert call("refine", source, "-o", tmp_path / "out.h5ad", "--gene-sets", sets) == 2
    assert "--gene-sets is for the report: give --report too" in capsys.readouterr().err
    assert not (tmp_path / "out.h5ad").exists()


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out == f"scrcl-graph {scrcl_graph.__version__}\n"


def test_the_demo_keeps_its_annotation_from_the_method_and_gives_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scrcl_graph.pl.clusters.umap_points", lambda embedding, seed: embedding[:, :2])
    refine = tl.refine

    def quick(adata: AnnData, **options: Any) -> None:
        assert "bulk_labels" not in adata.obs
        preset = dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=2))
        refine(adata, preset=preset, n_clusters=5, **options)

    monkeypatch.setattr(tl, "refine", quick)
    assert call("demo", "-o", tmp_path / "out") == 0
    assert "5 clusters in" in capsys.readouterr().out
    assert "bulk_labels" in anndata.read_h5ad(tmp_path / "out" / "pbmc68k_reduced.h5ad").obs
    assert "Agreement with bulk_labels" in (tmp_path / "out" / "report.html").read_text()


def test_a_demo_into_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert call("demo", "-o", tmp_path / "file") == 2
    assert "is no folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_python_m_scrcl_graph_lists_the_commands() -> None:
    root = Path(scrcl_graph.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "scrcl_graph", "--help"],
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(command in done.stdout for command in ("refine", "apply", "estimate", "demo"))
    assert done.stderr == ""


def test_benchmark_from_folder_to_tables(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ("benchmark", "--data", source.parent, "--methods", "pca_kmeans", "--seeds", 2, "-o", out)
    assert call(*arguments, "--group", "mine=cells") == 0
    printed = capsys.readouterr().out
    assert "pca_kmeans           seed 1  ARI " in printed
    assert "| **mean, mine** (1) |" in printed
    assert (out / "tables.md").read_text() in printed


def test_clusters_are_written_where_no_module_is_found(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(*_: object, **__: object) -> None:
        raise InputError("no module of genes is confirmed")

    monkeypatch.setattr("scrcl_graph.tl.gene_modules", none)
    out = tmp_path / "out.h5ad"
    assert call("refine", source, "-o", out, "--n-clusters", 4, "--modules") == 0
    assert "no module of genes is confirmed" in capsys.readouterr().err
    assert "scrcl" in anndata.read_h5ad(out).obs


def test_the_methods_of_the_benchmark_are_listed_without_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("benchmark", "--list") == 0
    assert ["pca_leiden_res1", "floor"] in [line.split() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "nowhere"), "there is no folder nowhere"),
        (("--data", ".", "--k", "7"), "--k is '7', but must be 'given' or 'auto'"),
        (("--data", ".", "--methods", "magic"), "unknown method 'magic'"),
    ],
)
def test_a_benchmark_that_cannot_run_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert call("benchmark", *arguments, "-o", tmp_path / "out") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
