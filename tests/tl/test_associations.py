from __future__ import annotations

import dataclasses
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from anndata import AnnData
from scipy.stats import kstest
from sklearn.metrics import roc_auc_score

from scrcl_graph import InputError, ScRCL, datasets, get, tl
from scrcl_graph.presets import get_preset
from scrcl_graph.train import TrainingPlan


def type_number(adata: AnnData, group: str) -> int:
    """The planted type that most cells of a cluster have."""
    return int(adata.obs["cell_type"][adata.obs["scrcl"] == group].mode()[0].removeprefix("type_"))


def test_the_planted_module_of_each_type_comes_out_on_top(associated: AnnData) -> None:
    for group, table in get.associations(associated).groupby("group", observed=True):
        planted = (associated.var["module"][table["gene"]] == type_number(associated, str(group))).to_numpy()
        assert roc_auc_score(planted, table["score"]) >= 0.97
        assert planted[:10].mean() >= 0.8
        assert table["effect"].to_numpy()[planted].min() > 0


def test_false_discoveries_among_unrelated_genes_stay_near_the_rate_asked_for() -> None:
    false, called = 0, 0
    for seed in range(3):
        adata = datasets.synthetic(400, 300, 4, density=0.15, seed=seed)
        tl.refine(adata, n_clusters=4, random_state=seed)
        tl.associations(adata)
        found = get.associations(adata).query("padj < 0.05")
        false += (adata.var["module"][found["gene"]] < 0).sum()
        called += len(found)
    assert called > 3 * 4 * 15
    assert false / called <= 0.07


def test_scores_estimate_standard_deviations_from_the_mean(associated: AnnData) -> None:
    share = associated.X.multiply(1e4 / associated.X.sum(axis=1)).tocsr()
    logged = np.log1p(share.toarray())
    z = (logged - logged.mean(axis=0)) / logged.std(axis=0)
    table = associated.varm["scrcl_associations_score"]
    means = pd.DataFrame(z, index=associated.obs_names, columns=associated.var_names)
    means = means.groupby(associated.obs["scrcl"], observed=True).mean().T[table.columns]
    slope, _ = np.polyfit(table.to_numpy().ravel(), means.to_numpy().ravel(), 1)
    assert np.corrcoef(table.to_numpy().ravel(), means.to_numpy().ravel())[0, 1] > 0.9
    assert slope == pytest.approx(1, abs=0.4)


def test_scores_are_group_means_of_the_stored_factors(associated: AnnData) -> None:
    scores = associated.obsm["scrcl_factors"] @ associated.varm["scrcl_genes"].T
    table = associated.varm["scrcl_associations_score"]
    assert table.columns.tolist() == ["0", "1", "2", "3"]
    for group in table:
        mean = scores[(associated.obs["scrcl"] == group).to_numpy()].mean(axis=0)
        np.testing.assert_allclose(table[group], mean, atol=1e-4)


def test_genes_that_were_not_used_are_missing(refined: AnnData) -> None:
    refined.varm["scrcl_genes"][3:7] = 0
    tl.associations(refined)
    assert refined.varm["scrcl_associations_pvalue"].isna().all(axis=1).to_numpy().nonzero()[0].tolist() == [3, 4, 5, 6]
    assert set(get.associations(refined)["gene"]) == set(refined.var_names) - set(refined.var_names[3:7])


def test_another_column_can_group_and_cells_without_a_group_are_left_out(refined: AnnData) -> None:
    refined.obs["some"] = refined.obs["cell_type"].where(refined.obs["cell_type"] != "type_2")
    tl.associations(refined, groupby="some")
    part = refined[refined.obs["cell_type"] != "type_2"].copy()
    tl.associations(part, groupby="cell_type")
    assert refined.varm["scrcl_associations_effect"].columns.tolist() == ["type_0", "type_1", "type_3"]
    pd.testing.assert_frame_equal(get.associations(refined), get.associations(part))


def test_a_copy_leaves_the_input_untouched_and_results_survive_a_file(refined: AnnData, tmp_path: Path) -> None:
    result = tl.associations(refined, copy=True)
    assert result is not None
    assert set(refined.varm) == {"scrcl_genes"}
    result.write_h5ad(tmp_path / "a.h5ad")
    again = anndata.read_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(get.associations(again), get.associations(result))


def test_the_matrix_that_refine_read_is_tested_unless_another_is_named(planted: AnnData) -> None:
    planted.layers["counts"] = planted.X.copy()
    planted.X = planted.X[::-1].copy()
    tl.refine(planted, layer="counts", n_clusters=4)
    tl.associations(planted)
    assert planted.uns["scrcl_associations"]["matrix"] == "layers['counts']"
    assert planted.varm["scrcl_associations_padj"].to_numpy().min() < 1e-6
    planted.layers["other"] = planted.X
    tl.associations(planted, layer="other")  # the cells reversed: nothing is left
    assert planted.varm["scrcl_associations_padj"].to_numpy().min() > 1e-3


def test_without_structure_split_counts_give_uniform_p_values_and_the_same_counts_do_not() -> None:
    same, split = [], []
    for seed in range(2):
        adata = datasets.synthetic(400, 300, 1, module_size=0, density=0.4, seed=seed)
        tl.split_counts(adata, random_state=seed)
        tl.refine(adata, n_clusters=3, layer="split_find", random_state=seed)
        for layer, found in ((None, same), ("split_test", split)):
            tl.associations(adata, layer=layer)
            found.extend(adata.varm["scrcl_associations_pvalue"]["0"].dropna())
    assert kstest(split, "uniform").pvalue > 0.01
    assert kstest(same, "uniform").pvalue < 1e-6  # clusters follow the noise of the counts they were found in
    assert np.mean(np.array(same) < 0.05) > 0.1


def test_missing_results_and_columns_are_named(planted: AnnData, refined: AnnData) -> None:
    with pytest.raises(InputError, match=r"under 'scrcl': run scrcl_graph\.tl\.refine first"):
        tl.associations(planted)
    with pytest.raises(InputError, match=r"no obs\['louvain'\] \(obs: cell_type, domain, scrcl\)"):
        tl.associations(refined, groupby="louvain")
    refined.obs["one"] = "all"
    with pytest.raises(InputError, match="fewer than two groups"):
        tl.associations(refined, groupby="one")
    assert set(refined.varm) == {"scrcl_genes"}


def test_results_of_apply_over_those_of_refine_are_refused(planted: AnnData, refined: AnnData) -> None:
    model = ScRCL(4, preset=dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=2)))
    tl.apply(refined, model.fit(planted.X, genes=list(planted.var_names)))
    assert "scrcl_factors" not in refined.obsm
    assert "scrcl_genes" not in refined.varm
    with pytest.raises(InputError, match=r"run scrcl_graph\.tl\.refine first"):
        tl.associations(refined)


def test_values_that_were_normalised_since_are_read_as_what_they_are(planted: AnnData) -> None:
    quick = dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=2))
    tl.refine(planted, preset=quick, n_clusters=4)
    sc.pp.normalize_total(planted, target_sum=1e4)
    sc.pp.log1p(planted)
    tl.associations(planted)
    planted.layers["logs"] = planted.X.copy()
    found = planted.varm["scrcl_associations_pvalue"].copy()
    tl.associations(planted, layer="logs")
    pd.testing.assert_frame_equal(found, planted.varm["scrcl_associations_pvalue"])


def test_two_cells_with_a_group_are_too_few(refined: AnnData) -> None:
    refined.obs["few"] = np.array(["a", "b", *[None] * (refined.n_obs - 2)], dtype=object)
    with pytest.raises(InputError, match=r"only 2 cells have a group in obs\['few'\]: three are needed"):
        tl.associations(refined, groupby="few")


def test_what_lies_under_the_key_may_be_something_else(refined: AnnData) -> None:
    refined.uns["scrcl"] = "my notes"
    with pytest.raises(InputError, match="run it first"):
        tl.associations(refined)


def test_no_copy_is_made_of_what_lies_in_a_file(refined: AnnData, tmp_path: Path) -> None:
    refined.write_h5ad(tmp_path / "cells.h5ad")
    backed = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    for verb in (tl.associations, tl.gene_modules, tl.split_counts):
        with pytest.raises(InputError, match="cannot be copied"):
            verb(backed, copy=True)
    with pytest.raises(InputError, match="X is not in memory, where it is split"):
        tl.split_counts(backed)
    backed.file.close()
