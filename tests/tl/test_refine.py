from __future__ import annotations

import dataclasses
import importlib.metadata
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError, ScRCL, _matrix, datasets, metrics, tl
from scrcl_graph._adata.colours import palette
from scrcl_graph.presets import Preset, get_preset
from scrcl_graph.train import TrainingPlan

QUICK = dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=5))
SLOTS = ("obs", "var", "obsm", "varm", "obsp", "varp", "layers", "uns")


def assert_same(first: Any, second: Any) -> None:
    """Equal values in every part of two AnnData, or of what they hold."""
    if isinstance(first, AnnData):
        assert_same(first.X, second.X)
        for slot in SLOTS:
            assert_same(getattr(first, slot), getattr(second, slot))
    elif isinstance(first, pd.DataFrame):
        pd.testing.assert_frame_equal(first, second)
    elif hasattr(first, "keys"):
        assert set(first) == set(second)
        for name in first:
            assert_same(first[name], second[name])
    elif sp.issparse(first):
        assert first.shape == second.shape
        assert first.dtype == second.dtype
        assert (first != second).nnz == 0
    else:
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
        assert np.asarray(first).dtype.kind == np.asarray(second).dtype.kind


def test_planted_types_are_found_without_their_number(planted: AnnData, refined: AnnData) -> None:
    assert adjusted_rand_score(planted.obs["cell_type"], refined.obs["scrcl"]) > 0.9
    assert refined.uns["scrcl"]["n_clusters"] == 4


def test_every_documented_field_is_written_with_its_type(planted: AnnData, refined: AnnData) -> None:
    n, g = refined.shape
    added = {slot: set(getattr(refined, slot)) - set(getattr(planted, slot)) for slot in SLOTS}
    assert added == {
        "obs": {"scrcl"},
        "var": set(),
        "obsm": {"X_scrcl", "scrcl_factors"},
        "varm": {"scrcl_genes"},
        "obsp": {"scrcl_connectivities"},
        "varp": {"scrcl_gene_connectivities"},
        "layers": set(),
        "uns": {"scrcl", "scrcl_colors"},
    }
    assert refined.obs["scrcl"].cat.categories.tolist() == ["0", "1", "2", "3"]
    assert refined.obs["scrcl"].value_counts(sort=False).is_monotonic_decreasing
    for array in (refined.obsm["X_scrcl"], refined.obsm["scrcl_factors"], refined.varm["scrcl_genes"]):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    graphs = refined.obsp["scrcl_connectivities"], refined.varp["scrcl_gene_connectivities"]
    for graph, size in zip(graphs, (n, g), strict=True):
        assert isinstance(graph, sp.csr_matrix)
        assert graph.dtype == np.float32
        assert graph.shape == (size, size)
        assert abs(graph - graph.T).max() == 0
        assert not graph.diagonal().any()
    assert (graphs[1].data < 0).any()  # the gene graph is signed


def test_uns_says_how_the_result_was_made(refined: AnnData) -> None:
    used = np.any(refined.varm["scrcl_genes"] != 0, axis=1).sum()
    summary = refined.uns["scrcl"]
    assert summary["params"]["name"] == "default"
    assert summary["params"]["random_state"] == 0
    assert summary["params"]["n_components"] == 240 // 5  # of so few cells no more
    keys = {"layer": "none", "spatial_key": "none", "connectivities_key": "none", "batch_key": "none"}
    read = {"matrix": "X", "state": "counts", "state_given": False, "n_genes": int(used), "n_genes_read": 160}
    assert summary["input"] == read | keys
    assert summary["versions"]["anndata"] == importlib.metadata.version("anndata")
    assert summary["n_clusters_from"] == "stability"
    assert summary["k_selection"]["k"] == 4
    history = summary["history"]["run_0"]
    assert set(history) == {"total", *summary["objective_weights"]}
    assert all(len(values) == summary["params"]["epochs"] for values in history.values())
    weighted = sum(weight * history[name] for name, weight in summary["objective_weights"].items())
    np.testing.assert_allclose(history["total"], weighted, rtol=1e-4)


def test_a_copy_leaves_the_input_untouched(planted: AnnData) -> None:
    before = planted.copy()
    result = tl.refine(planted, preset=QUICK, n_clusters=4, copy=True)
    assert_same(planted, before)
    assert tl.refine(planted, preset=QUICK, n_clusters=4) is None
    assert_same(planted, result)


def test_a_view_is_written_to_and_its_parent_is_not(planted: AnnData) -> None:
    view, before = planted[:150], planted.copy()
    with pytest.warns(UserWarning, match="view"):  # AnnData's own remark
        tl.refine(view, preset=QUICK, n_clusters=4)
    assert len(view.obs["scrcl"]) == 150
    assert_same(planted, before)


def test_results_survive_writing_to_h5ad(refined: AnnData, tmp_path: Path) -> None:
    refined.write_h5ad(tmp_path / "refined.h5ad")
    assert_same(anndata.read_h5ad(tmp_path / "refined.h5ad"), refined)


def test_an_annotation_is_never_read(planted: AnnData) -> None:
    with_labels, permuted, without = (planted.copy() for _ in range(3))
    permuted.obs["cell_type"] = np.random.default_rng(0).permutation(planted.obs["cell_type"])
    del without.obs["cell_type"], without.obs["domain"], without.var["module"]
    for adata in (with_labels, permuted, without):
        tl.refine(adata, preset=QUICK)
    for other in (permuted, without):
        assert other.obs["scrcl"].tolist() == with_labels.obs["scrcl"].tolist()
        assert other.obsm["X_scrcl"].tobytes() == with_labels.obsm["X_scrcl"].tobytes()


def test_scaled_data_falls_back_on_raw() -> None:
    adata = datasets.pbmc68k_reduced()
    tl.refine(adata, preset=QUICK, n_clusters=8)
    assert adata.uns["scrcl"]["input"]["matrix"] == "raw.X"
    assert adata.uns["scrcl"]["input"]["state"] == "lognorm"
    explicit = datasets.pbmc68k_reduced()
    tl.refine(explicit, preset=QUICK, n_clusters=8, layer="raw")
    assert_same(explicit.obsm["X_scrcl"], adata.obsm["X_scrcl"])


def test_raw_may_hold_genes_that_var_does_not(planted: AnnData) -> None:
    small = planted[:, 20:].copy()
    small.raw = planted
    tl.refine(small, preset=QUICK, n_clusters=4, layer="raw")
    tl.refine(planted, preset=QUICK, n_clusters=4)
    assert_same(small.obsm["X_scrcl"], planted.obsm["X_scrcl"])
    np.testing.assert_array_equal(small.varm["scrcl_genes"], planted.varm["scrcl_genes"][20:])
    assert_same(small.varp["scrcl_gene_connectivities"], planted.varp["scrcl_gene_connectivities"][20:, 20:])


def test_a_layer_is_read_instead_of_x(planted: AnnData) -> None:
    other = planted.copy()
    other.layers["counts"] = other.X.copy()
    other.X = np.random.default_rng(0).poisson(1.0, size=other.shape).astype(np.float32)
    tl.refine(planted, preset=QUICK, n_clusters=4)
    tl.refine(other, preset=QUICK, n_clusters=4, layer="counts", key_added="mine")
    assert other.uns["mine"]["input"]["matrix"] == "layers['counts']"
    assert_same(other.obsm["X_mine"], planted.obsm["X_scrcl"])


def test_coordinates_of_obsm_can_be_started_from(planted: AnnData) -> None:
    truth = planted.obs["domain"].cat.codes.to_numpy()
    planted.obsm["X_mine"] = 4 * np.eye(4, 8)[truth] + np.random.default_rng(0).standard_normal((planted.n_obs, 8))
    tl.refine(planted, n_clusters=4, use_rep="X_mine")
    assert adjusted_rand_score(truth, planted.obs["scrcl"]) > 0.8


def test_types_of_two_batches_are_brought_together_by_batch_key() -> None:
    cells = datasets.synthetic_tissue(250, 160, 4, 4, n_slices=2, batch=1.0, fold=6.0, seed=1)
    told, untold = (
        tl.refine(cells, n_clusters=4, preset=QUICK, batch_key=key, copy=True).obs["scrcl"] for key in ("slice", None)
    )
    found = adjusted_rand_score(cells.obs["cell_type"], told)
    assert found > 0.9
    assert adjusted_rand_score(cells.obs["cell_type"], untold) < found - 0.2


def test_slices_are_kept_apart_in_the_spatial_graph(planted: AnnData) -> None:
    planted.obs["slice"] = pd.Categorical(["a", "b"] * 120)
    preset = dataclasses.replace(QUICK, n_spatial_neighbors=6)
    joined = tl.refine(planted, preset=preset, n_clusters=4, copy=True)
    apart = tl.refine(planted, preset=preset, n_clusters=4, batch_key="slice", copy=True)
    assert joined is not None
    assert apart is not None
    assert np.abs(joined.obsm["X_scrcl"] - apart.obsm["X_scrcl"]).max() > 1e-3


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"layer": "counts"}, r"no layer 'counts' \(layers: none\)"),
    ({"layer": "raw"}, "adata.raw is empty"),
    ({"use_rep": "X_pca"}, r"no obsm\['X_pca'\] \(obsm: spatial\)"),
    ({"batch_key": "sample"}, r"no obs\['sample'\] \(obs: cell_type, domain\)"),
    ({"preset": "spatial", "spatial_key": "xy"}, r"no obsm\['xy'\]"),
    ({"n_clusters": 1}, "n_clusters is 1"),
    ({"preset": "best"}, "unknown preset 'best'"),
    ({"key_added": ""}, "key_added is ''"),
    ({"key_added": "a/b"}, "key_added is 'a/b'"),
    ({"key_added": "cell_type"}, r"there is obs\['cell_type'\] already"),
    ({"model_path": "no/such/model"}, "the folder .*no/such does not exist"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_is_missing_is_named_and_nothing_is_written(
    planted: AnnData, options: dict[str, Any], message: str
) -> None:
    before = planted.copy()
    with pytest.raises(InputError, match=message):
        tl.refine(planted, **options)
    assert_same(planted, before)


def test_the_spatial_preset_needs_positions(planted: AnnData) -> None:
    del planted.obsm["spatial"]
    with pytest.raises(InputError, match=r"no obsm\['spatial'\] \(obsm: none\)"):
        tl.refine(planted, preset="spatial")


def test_scaled_data_without_raw_is_refused(planted: AnnData) -> None:
    planted.X = planted.X.toarray() - 1
    with pytest.raises(InputError, match=r"negative values, as after scaling.*adata\.raw"):
        tl.refine(planted)


def test_a_model_path_that_exists_is_refused_and_nothing_is_written(planted: AnnData, tmp_path: Path) -> None:
    before = planted.copy()
    with pytest.raises(InputError, match="exists already"):
        tl.refine(planted, preset=QUICK, n_clusters=4, model_path=tmp_path)
    assert_same(planted, before)


def test_a_second_run_replaces_the_first_whole(planted: AnnData) -> None:
    planted.uns["scrcl_colors"] = ["#000000"] * 6
    tl.refine(planted, preset=QUICK)
    planted.obsp["near"] = planted.obsp["scrcl_connectivities"]
    named = planted.var_names[:2]
    tl.ligand_receptor(planted, pairs=pd.DataFrame([named], columns=["ligand", "receptor"]), neighbors_key="near")
    tl.associations(planted)
    tl.gene_modules(planted)
    tl.annotate(planted, markers={"A": named[:1], "B": named[1:]})
    tl.domain_statistics(planted)
    tl.refine(planted, preset=QUICK, n_clusters=3)
    fresh = planted.copy()
    for slot in (fresh.obs, fresh.var, fresh.obsm, fresh.varm, fresh.obsp, fresh.varp, fresh.uns):
        assert not [
            name for name in slot if name.startswith(("scrcl_associations", "scrcl_modules", "scrcl_annotation"))
        ]
    assert "scrcl_domain_statistics" not in planted.uns
    assert planted.obs["scrcl"].cat.categories.tolist() == ["0", "1", "2"]
    assert "scrcl_ligand_receptor" not in {*planted.uns, *planted.obsp}
    assert "k_selection" not in planted.uns["scrcl"]
    assert list(planted.uns["scrcl_colors"]) == palette(3)


@pytest.mark.slow
def test_blood_cells_are_told_apart(data_dir: Path) -> None:
    adata = anndata.read_h5ad(data_dir / "pbmc3k.h5ad")
    truth = adata.obs.pop("cell_type")
    tl.refine(adata, n_clusters=9)
    known = (truth != "unlabelled").to_numpy()
    assert metrics.score(truth[known], adata.obs["scrcl"][known])["ari"] > 0.55


@pytest.mark.parametrize("where", ["backed", "backed dense", "dask"])
@pytest.mark.parametrize(
    "preset", [QUICK, dataclasses.replace(QUICK, gene_ranking="dispersion")], ids=["inertia", "dispersion"]
)
def test_a_matrix_that_is_not_in_memory_gives_the_same_results(
    planted: AnnData, where: str, preset: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_matrix, "BLOCK", 500)
    preset = dataclasses.replace(preset, n_top_genes=80)
    other = planted.copy()
    if where == "dask":
        other.X = pytest.importorskip("dask.array").from_array(other.X, chunks=(50, other.n_vars))
    else:
        other.X = other.X.toarray() if where == "backed dense" else other.X
        other.write_h5ad(tmp_path / "cells.h5ad")
        before = (tmp_path / "cells.h5ad").read_bytes()
        other = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    for adata in (planted, other):
        tl.refine(adata, preset=preset, n_clusters=4)
        tl.associations(adata)
        tl.gene_modules(adata)
    for slot in SLOTS:
        assert_same(getattr(other, slot), getattr(planted, slot))
    model = ScRCL(4, preset=preset).fit(planted.X, genes=list(planted.var_names))
    for adata in (planted, other):
        tl.apply(adata, model, key_added="again")
    assert_same(other.obsm["X_again"], planted.obsm["X_again"])
    if where != "dask":
        assert other.isbacked
        assert (tmp_path / "cells.h5ad").read_bytes() == before


def test_a_scaled_matrix_in_a_file_is_passed_over_for_raw(planted: AnnData, tmp_path: Path) -> None:
    wanted = tl.refine(planted, preset=QUICK, n_clusters=4, copy=True)
    planted.raw = planted.copy()
    planted.X = planted.X.toarray() - 1
    planted.write_h5ad(tmp_path / "cells.h5ad")
    backed = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    tl.refine(backed, preset=QUICK, n_clusters=4)
    assert backed.uns["scrcl"]["input"]["matrix"] == "raw.X"
    assert_same(backed.obsm["X_scrcl"], wanted.obsm["X_scrcl"])
    with pytest.raises(InputError, match="cannot be copied"):
        tl.refine(backed, copy=True)


def test_coordinates_of_another_method_are_not_overwritten(planted: AnnData) -> None:
    planted.obsm["X_pca"], planted.uns["spatial"] = planted.obsm["spatial"], {"slide": {}}
    for key, what in (("pca", r"obsm\['X_pca'\]"), ("spatial", r"uns\['spatial'\]")):
        with pytest.raises(InputError, match=rf"there is {what} already"):
            tl.refine(planted, preset=QUICK, key_added=key)


def test_slices_without_a_name_are_refused(planted: AnnData) -> None:
    planted.obs["slice"] = pd.Categorical([None] * 40 + ["a"] * 200)
    with pytest.raises(InputError, match=r"obs\['slice'\] is missing for 40 cells"):
        tl.refine(planted, preset=QUICK, batch_key="slice")


def test_raw_is_read_where_x_is_empty(planted: AnnData) -> None:
    whole = tl.refine(planted, preset=QUICK, n_clusters=4, copy=True)
    planted.raw = planted.copy()
    planted.X = None
    tl.refine(planted, preset=QUICK, n_clusters=4)
    assert whole is not None
    assert planted.obs["scrcl"].equals(whole.obs["scrcl"])


def test_double_gene_names_are_refused_where_raw_is_read_too(planted: AnnData) -> None:
    planted.raw = planted.copy()
    planted.X = planted.X.toarray() - 1
    planted.var_names = [*planted.var_names[:-1], planted.var_names[0]]
    with pytest.raises(InputError, match="gene names must be unique"):
        tl.refine(planted, preset=QUICK)


def test_a_graph_that_no_relation_takes_is_refused(planted: AnnData) -> None:
    with pytest.raises(InputError, match="'default' has no spatial graph: leave connectivities_key out"):
        tl.refine(planted, connectivities_key="spatial_connectivities")
