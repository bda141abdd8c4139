from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from scrcl_graph import InputError, tl


def test_paga_joins_clusters_by_the_cell_graph(refined: AnnData) -> None:
    tl.paga(refined)
    found = refined.uns["scrcl_paga"]
    assert list(found["domains"]) == ["0", "1", "2", "3"]
    weights = found["connectivities"].toarray()
    assert weights.shape == (4, 4)
    assert np.array_equal(weights, weights.T)
    graph, codes = refined.obsp["scrcl_connectivities"], refined.obs["scrcl"].cat.codes.to_numpy()
    one_hot = np.eye(4)[codes]
    between = one_hot.T @ (graph != 0) @ one_hot
    assert np.array_equal(weights > 0, (between > 0) & ~np.eye(4, dtype=bool))
    assert "paga" not in refined.uns


def test_paga_asks_for_a_run_and_names_the_extra(
    planted: AnnData, refined: AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"no cell graph under 'scrcl': run scrcl_graph\.tl\.refine first"):
        tl.paga(planted)
    monkeypatch.setitem(sys.modules, "igraph", None)
    with pytest.raises(ImportError, match=r"scrcl-graph\[leiden\]"):
        tl.paga(refined)


def test_groups_that_no_edge_joins_are_refused(refined: AnnData) -> None:
    refined.obs["one"] = pd.Categorical(["a"] * refined.n_obs)
    with pytest.raises(InputError, match="joins two groups"):
        tl.paga(refined, groupby="one")
