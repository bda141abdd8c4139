from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError, datasets, get, tl


def test_planted_modules_are_found_and_unrelated_genes_are_in_none(associated: AnnData) -> None:
    found = associated.var["scrcl_modules"].cat.codes.to_numpy()
    planted = associated.var["module"].to_numpy()
    assert adjusted_rand_score(planted[planted >= 0], found[planted >= 0]) >= 0.9
    assert (found[planted < 0] >= 0).mean() <= 0.1
    assert associated.var["scrcl_modules"].value_counts(sort=False).is_monotonic_decreasing
    assert associated.obsm["scrcl_modules"].shape == (240, len(associated.var["scrcl_modules"].cat.categories))


def test_modules_are_raised_in_the_type_they_were_planted_in_and_found_by_each_network(associated: AnnData) -> None:
    genes = get.modules(associated)
    assert (genes.groupby("module", observed=True)["stability"].first() > 0.7).all()
    scores = get.module_scores(associated, groupby="cell_type")
    for module, row in scores.iterrows():
        planted = associated.var["module"][genes["gene"][genes["module"] == module]].mode()[0]
        assert row.idxmax() == f"type_{planted}"


def test_results_survive_a_file_and_a_copy_leaves_the_input_untouched(refined: AnnData, tmp_path: Path) -> None:
    result = tl.gene_modules(refined, copy=True)
    assert result is not None
    assert "scrcl_modules" not in refined.var
    result.write_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(get.modules(anndata.read_h5ad(tmp_path / "a.h5ad")), get.modules(result))


def test_independent_genes_make_no_modules() -> None:
    adata = datasets.synthetic(300, 200, 1, module_size=0, density=0.2, seed=0)
    tl.refine(adata, n_clusters=3)
    with pytest.raises(InputError, match="no module of genes is confirmed"):
        tl.gene_modules(adata)
    assert "scrcl_modules" not in adata.var


def test_missing_results_are_named(planted: AnnData, refined: AnnData) -> None:
    with pytest.raises(InputError, match=r"under 'scrcl': run scrcl_graph\.tl\.refine first"):
        tl.gene_modules(planted)
    with pytest.raises(InputError, match=r"run scrcl_graph\.tl\.gene_modules"):
        get.modules(refined)


def test_counts_are_split_without_loss_and_only_counts(planted: AnnData) -> None:
    tl.split_counts(planted, share=0.3)
    find, test = planted.layers["split_find"], planted.layers["split_test"]
    assert (find + test != planted.X).nnz == 0
    assert find.sum() / planted.X.sum() == pytest.approx(0.3, abs=0.01)
    assert min(find.data.min(), test.data.min()) == 1
    planted.layers["log"] = planted.X.log1p()
    with pytest.raises(InputError, match="only whole counts"):
        tl.split_counts(planted, layer="log")
    with pytest.raises(InputError, match="between 0 and 1"):
        tl.split_counts(planted, share=1.0)


def test_the_same_seed_gives_the_same_modules(refined: AnnData) -> None:
    first, second = (tl.gene_modules(refined, copy=True) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.obsm["scrcl_modules"].tobytes() == second.obsm["scrcl_modules"].tobytes()
    assert np.array_equal(first.var["scrcl_modules"].cat.codes, second.var["scrcl_modules"].cat.codes)


def test_more_neighbours_than_genes_are_refused(refined: AnnData) -> None:
    with pytest.raises(InputError, match="cannot have 500 neighbours"):
        tl.gene_modules(refined, n_neighbors=500)
