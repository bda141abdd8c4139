from __future__ import annotations

import numpy as np
import pytest
from anndata import AnnData

from scrcl_graph import InputError, get, tl
from scrcl_graph.report import cluster_words


def test_each_cluster_is_told_with_its_size_genes_module_neighbours_and_sets(associated: AnnData) -> None:
    sets = {f"module {m}": associated.var_names[associated.var["module"] == m].tolist() for m in range(4)}
    words = cluster_words(associated, gene_sets=sets)
    assert list(words) == ["0", "1", "2", "3"]
    for group, text in words.items():
        size = (associated.obs["scrcl"] == group).sum()
        assert text.startswith(f"Cluster {group} has {size} cells ({100 * size / 240:.1f} %).")
        raised = get.associations(associated, max_padj=0.05).query("group == @group")
        assert f" {len(raised)} genes are raised" in text
        first = raised.iloc[0]
        assert f"by contrast first {first['gene']} ({first['effect']:+.1f} SD, FDR " in text
        assert f"highest gene module is {get.module_scores(associated)[group].idxmax()} " in text
        own = associated.obs["cell_type"][associated.obs["scrcl"] == group].mode()[0].removeprefix("type_")
        assert f"Enriched: module {own} (" in text
        assert f"Nearest in the embedding: {group} " not in text


def test_what_is_absent_is_said_or_left_out(associated: AnnData) -> None:
    associated.varm["scrcl_associations_padj"].iloc[:] = 1.0
    del associated.uns["scrcl_modules"]
    text = cluster_words(associated, gene_sets={"a": list(associated.var_names[:3])})["0"]
    assert "No gene is raised in it" in text
    assert "No gene set is enriched." in text
    assert "module" not in text


def test_a_cluster_away_from_all_others_is_near_none(associated: AnnData) -> None:
    associated.obsm["X_scrcl"] = np.eye(4)[associated.obs["scrcl"].cat.codes] - 0.25
    assert "No other cluster lies near it in the embedding." in cluster_words(associated)["0"]


def test_associations_of_other_clusters_are_refused(associated: AnnData) -> None:
    with pytest.raises(InputError, match="of other cells"):
        cluster_words(associated[associated.obs["scrcl"] == "1"].copy())
    associated.obs["scrcl"] = associated.obs["scrcl"].cat.rename_categories({"1": "B cells"})
    with pytest.raises(InputError, match="the clusters of 'scrcl' have other names now"):
        cluster_words(associated)


def test_associations_of_another_column_are_refused(associated: AnnData) -> None:
    tl.associations(associated, groupby="cell_type")
    with pytest.raises(InputError, match=r"of obs\['cell_type'\]"):
        cluster_words(associated)
