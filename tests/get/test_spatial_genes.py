from __future__ import annotations

import numpy as np
import pytest
import scanpy as sc
from anndata import AnnData

from scrcl_graph import get, tl
from scrcl_graph.gr import spatial_neighbors


def test_spatial_genes_hold_morans_i_of_expression_and_of_scores(refined: AnnData) -> None:
    tl.associations(refined, groupby="domain")
    table = get.spatial_genes(refined, n_genes=3)
    assert (table.groupby("group", observed=True).size() == 3).all()
    graph = spatial_neighbors(refined.obsm["spatial"])
    scores = refined.obsm["scrcl_factors"].astype(np.float64) @ refined.varm["scrcl_genes"].T
    log = sc.pp.log1p(sc.pp.normalize_total(refined, target_sum=1e4, copy=True), copy=True)
    for row in table.itertuples():
        gene, own = refined.var_names.get_loc(row.gene), (refined.obs["domain"] == row.group).to_numpy()
        assert row.morans_i == pytest.approx(sc.metrics.morans_i(graph, log.X[:, gene].toarray().ravel()), rel=1e-4)
        assert row.morans_i_scores == pytest.approx(sc.metrics.morans_i(graph, scores[:, gene]), rel=1e-4)
        within = sc.metrics.morans_i(graph[own][:, own], scores[own, gene])
        assert row.morans_i_within == pytest.approx(within, rel=1e-4)
    # module genes follow the bands of the tissue, background genes do not
    planted = refined.var["module"] >= 0
    whole = get.spatial_genes(refined).drop_duplicates("gene").set_index("gene")
    of_module = whole["morans_i"][planted[whole.index]]
    assert of_module.median() > 3 * abs(whole["morans_i"][~planted[whole.index]].median())
