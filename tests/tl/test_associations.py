from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from scrcl_graph import InputError, tl


def type_number(adata: AnnData, group: str) -> int:
    """The planted type that most cells of a cluster have."""
    return int(adata.obs["cell_type"][adata.obs["scrcl"] == group].mode()[0].removeprefix("type_"))


def test_the_planted_module_of_each_type_comes_out_on_top(refined: AnnData) -> None:
    table = tl.associations(refined, n_genes=10)
    for group, top in table.groupby("group"):
        modules = refined.var["module"][top["gene"]]
        assert (modules == type_number(refined, str(group))).mean() >= 0.8


def test_scores_estimate_standard_deviations_from_the_mean(refined: AnnData) -> None:
    share = refined.X.multiply(1e4 / refined.X.sum(axis=1)).tocsr()
    logged = np.log1p(share.toarray())
    z = (logged - logged.mean(axis=0)) / logged.std(axis=0)
    table = tl.associations(refined).pivot_table(index="group", columns="gene", values="score")
    means = pd.DataFrame(z, index=refined.obs_names, columns=refined.var_names)
    means = means.groupby(refined.obs["scrcl"], observed=True).mean().loc[table.index, table.columns]
    slope, _ = np.polyfit(table.to_numpy().ravel(), means.to_numpy().ravel(), 1)
    assert np.corrcoef(table.to_numpy().ravel(), means.to_numpy().ravel())[0, 1] > 0.9
    assert slope == pytest.approx(1, abs=0.4)


def test_the_table_holds_group_means_of_the_stored_factors_best_first(refined: AnnData) -> None:
    table = tl.associations(refined)
    assert list(table.columns) == ["group", "gene", "score"]
    scores = refined.obsm["scrcl_factors"] @ refined.varm["scrcl_genes"].T
    for group, rows in table.groupby("group", sort=False):
        assert rows["score"].is_monotonic_decreasing
        mean = scores[(refined.obs["scrcl"] == group).to_numpy()].mean(axis=0)
        np.testing.assert_allclose(rows["score"], mean[refined.var_names.get_indexer(rows["gene"])], atol=1e-4)
    assert table["group"].unique().tolist() == ["0", "1", "2", "3"]


def test_genes_that_were_not_used_are_left_out(refined: AnnData) -> None:
    refined.varm["scrcl_genes"][3:7] = 0
    genes = set(tl.associations(refined)["gene"])
    assert genes == set(refined.var_names) - set(refined.var_names[3:7])


def test_another_column_can_group_and_cells_without_a_group_are_left_out(refined: AnnData) -> None:
    by_type = tl.associations(refined, groupby="cell_type")
    assert sorted(by_type["group"].unique()) == [f"type_{i}" for i in range(4)]
    refined.obs["some"] = refined.obs["cell_type"].where(refined.obs["cell_type"] == "type_2")
    some = tl.associations(refined, groupby="some").query("group == 'type_2'").reset_index(drop=True)
    wanted = by_type.query("group == 'type_2'").reset_index(drop=True)
    pd.testing.assert_frame_equal(some, wanted)


def test_missing_results_and_columns_are_named(planted: AnnData, refined: AnnData) -> None:
    with pytest.raises(InputError, match=r"under 'scrcl': run scrcl_graph\.tl\.refine first"):
        tl.associations(planted)
    with pytest.raises(InputError, match=r"no obs\['louvain'\] \(obs: cell_type, domain, scrcl\)"):
        tl.associations(refined, groupby="louvain")
