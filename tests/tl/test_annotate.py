from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from scrcl_graph import InputError, tl


def known_markers(adata: AnnData) -> dict[str, list[str]]:
    """Eight genes of each planted module, and a type that is not there."""
    modules = adata.var["module"]
    planted = {f"type_{i}": list(adata.var_names[modules == i][:8]) for i in range(4)}
    return {**planted, "absent": [*adata.var_names[modules < 0][:8], "NOWHERE"]}


def test_clusters_get_the_type_whose_markers_they_raise(associated: AnnData, tmp_path: Path) -> None:
    clusters = associated.obs["scrcl"].copy()
    tl.annotate(associated, markers=known_markers(associated))
    assert (associated.obs["scrcl_annotation"].astype(str) == associated.obs["cell_type"].astype(str)).mean() > 0.9
    pd.testing.assert_series_equal(associated.obs["scrcl"], clusters)
    summary = associated.uns["scrcl_annotation"]
    assert summary["knowledge"] == "marker genes"
    assert summary["unknown"].tolist() == ["NOWHERE"]
    row = summary["table"].iloc[0]
    genes = known_markers(associated)[row["type"]]
    assert row["score"] == pytest.approx(associated.varm["scrcl_associations_effect"].loc[genes, row["group"]].mean())
    associated.write_h5ad(tmp_path / "a.h5ad")
    assert anndata.read_h5ad(tmp_path / "a.h5ad").uns["scrcl_annotation"]["table"].equals(summary["table"])


def test_groups_without_raised_markers_are_unknown(associated: AnnData) -> None:
    only = {"absent": known_markers(associated)["absent"]}
    tl.annotate(associated, markers=only, max_padj=1e-4)
    assert set(associated.obs["scrcl_annotation"]) == {"unknown"}
    with pytest.raises(InputError, match="check the gene names"):
        tl.annotate(associated, markers={"odd": ["NOWHERE"]})


def test_markers_need_associations(refined: AnnData) -> None:
    with pytest.raises(InputError, match="there are no associations"):
        tl.annotate(refined, markers=known_markers(refined))


def test_a_few_labels_reach_all_cells_and_are_kept(refined: AnnData) -> None:
    truth = refined.obs["cell_type"].astype(str)
    some = np.random.default_rng(0).choice(refined.n_obs, 20, replace=False)
    refined.obs["few"] = truth.where(np.isin(np.arange(refined.n_obs), some))
    refined.obs.iloc[some[0], refined.obs.columns.get_loc("few")] = "type_0"
    before = refined.obs["scrcl"].copy()
    tl.spread_labels(refined, column="few")
    found = refined.obs["scrcl_annotation"].astype(str)
    assert (found == truth).mean() > 0.9
    assert (found.iloc[some] == refined.obs["few"].iloc[some]).all()
    assert refined.obs["scrcl_annotation_share"].between(0, 1).all()
    assert refined.uns["scrcl_annotation"] == {"knowledge": "labels in obs['few']", "n_labels": 20}
    pd.testing.assert_series_equal(refined.obs["scrcl"], before)


def test_one_label_is_not_enough(refined: AnnData) -> None:
    refined.obs["few"] = pd.Series(["a"] + [None] * (refined.n_obs - 1), index=refined.obs_names)
    with pytest.raises(InputError, match="fewer than two types"):
        tl.spread_labels(refined, column="few")


def test_names_by_markers_leave_no_shares_of_spread_labels(associated: AnnData) -> None:
    associated.obs["few"] = associated.obs["cell_type"].astype(str).where(np.arange(associated.n_obs) < 40)
    tl.spread_labels(associated, column="few")
    tl.annotate(associated, markers=known_markers(associated))
    assert "scrcl_annotation_share" not in associated.obs
