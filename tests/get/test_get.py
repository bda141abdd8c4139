from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from anndata import AnnData

from scrcl_graph import InputError, get, tl
from scrcl_graph.presets import get_preset
from scrcl_graph.train import TrainingPlan


def test_the_table_is_tidy_and_best_first(associated: AnnData) -> None:
    table = get.associations(associated)
    assert table.columns.tolist() == [
        "group", "gene", "score", "effect", "contrast", "pvalue", "padj", "specificity", "fraction"
    ]  # fmt: skip
    assert len(table) == 4 * associated.varm["scrcl_associations_score"].notna().all(axis=1).sum()
    for group, rows in table.groupby("group", observed=True):
        assert rows["contrast"].is_monotonic_decreasing
        stored = associated.varm["scrcl_associations_padj"][group][rows["gene"]]
        np.testing.assert_array_equal(rows["padj"], stored)
    few = get.associations(associated, n_genes=3, max_padj=0.05)
    assert (few.groupby("group", observed=True).size() == 3).all()
    assert (few["padj"] <= 0.05).all()
    assert (few["effect"] > 0).all()


def test_associations_are_asked_for_first(planted: AnnData, refined: AnnData) -> None:
    with pytest.raises(InputError, match=r"under 'scrcl': run scrcl_graph\.tl\.refine first"):
        get.associations(planted)
    with pytest.raises(InputError, match=r"under 'scrcl': run scrcl_graph\.tl\.associations"):
        get.associations(refined)


def test_results_of_earlier_clusters_are_not_shown_after_refining_again(associated: AnnData) -> None:
    quick = dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=2))
    tl.refine(associated, n_clusters=3, preset=quick)
    with pytest.raises(InputError, match="no associations"):
        get.associations(associated)
    with pytest.raises(InputError, match="no gene modules"):
        get.modules(associated)


def test_scores_of_some_cells_and_genes_are_a_part_of_the_whole(refined: AnnData) -> None:
    whole = refined.obsm["scrcl_factors"] @ refined.varm["scrcl_genes"].T
    cells, genes = refined.obs_names[[5, 2]], refined.var_names[[9, 0, 4]]
    part = get.scores(refined, genes=genes, cells=cells)
    assert part.index.tolist() == cells.tolist()
    np.testing.assert_allclose(part, whole[[5, 2]][:, [9, 0, 4]], atol=1e-5)


def test_nearest_genes_and_cells_belong_together(refined: AnnData) -> None:
    for group in refined.obs["scrcl"].cat.categories:
        of_group = get.nearest_genes(refined, group=group, n=5)
        kind = refined.obs["cell_type"][refined.obs["scrcl"] == group].mode()[0]
        assert (refined.var["module"][of_group.index] == int(kind.removeprefix("type_"))).all()
        assert of_group.is_monotonic_decreasing
        near = get.nearest_cells(refined, gene=of_group.index[0], n=20)
        assert (refined.obs["cell_type"][near.index] == kind).mean() >= 0.9
        assert near.iloc[0] == pytest.approx(get.nearest_genes(refined, cell=near.index[0], n=160)[of_group.index[0]])


def test_names_that_do_not_exist_are_said(refined: AnnData) -> None:
    with pytest.raises(InputError, match="'CD3D' is no gene used by the model"):
        get.scores(refined, genes=["CD3D"])
    with pytest.raises(InputError, match="'x' is no cell"):
        get.nearest_genes(refined, cell="x")
    with pytest.raises(InputError, match="'9' is no group"):
        get.nearest_genes(refined, group="9")
    with pytest.raises(InputError, match="one cell or one group"):
        get.nearest_genes(refined)
