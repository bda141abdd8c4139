from __future__ import annotations

import logging
from pathlib import Path

import anndata
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

from scrcl_graph import InputError, get, pl, tl


@pytest.fixture
def speaking(refined: AnnData) -> AnnData:
    """``refined``, where cluster 0 has much of a ligand and cluster 1 of both subunits of its receptor."""
    counts = refined.X.toarray()
    for gene, group in ((0, "0"), (1, "1"), (2, "1")):
        counts[:, gene] = np.random.default_rng(gene).poisson(np.where(refined.obs["scrcl"] == group, 6.0, 0.5))
    refined.X = sp.csr_matrix(counts)
    refined.var_names = ["LIG", "REC_A", "RECB", *refined.var_names[3:]]
    return refined


def pairs(adata: AnnData) -> pd.DataFrame:
    rest = adata.var_names[adata.var["module"] < 0][:40]
    listed = [("LIG", "REC_A_RECB"), *zip(rest[:20], rest[20:], strict=True), ("LIG", "NOWHERE")]
    return pd.DataFrame(listed, columns=["ligand", "receptor"])


def test_the_planted_pair_is_found_between_its_clusters(speaking: AnnData, caplog: pytest.LogCaptureFixture) -> None:
    speaking.var_names = ["LIG", "RECA", *speaking.var_names[2:]]
    listed = pairs(speaking).replace("REC_A_RECB", "RECA_RECB").assign(sign="attract")
    with caplog.at_level(logging.WARNING):
        tl.ligand_receptor(speaking, pairs=listed)
    table = get.ligand_receptor(speaking)
    assert table.loc[0, ["source", "target", "ligand", "receptor"]].tolist() == ["0", "1", "LIG", "RECA_RECB"]
    called = get.ligand_receptor(speaking, max_padj=0.01)
    assert set(called["ligand"]) == {"LIG"}
    assert ((called["source"] == "0") & (called["target"] == "1")).any()
    assert speaking.uns["scrcl_ligand_receptor"]["unknown"].tolist() == ["NOWHERE"]
    assert "NOWHERE" in caplog.text
    graph = get.ligand_receptor_network(speaking, max_padj=0.01)
    assert isinstance(graph, nx.DiGraph)
    assert graph.edges["0", "1"]["attract"] == graph.edges["0", "1"]["pairs"] == 1


def test_a_gene_with_an_underscore_is_not_a_complex(speaking: AnnData) -> None:
    tl.ligand_receptor(speaking, pairs=pd.DataFrame({"source": ["LIG"], "target": ["REC_A"]}))
    assert get.ligand_receptor(speaking, source="0", target="1").loc[0, "padj"] < 0.01


def test_groups_that_do_not_touch_are_left_out(speaking: AnnData) -> None:
    labels = speaking.obs["scrcl"].to_numpy()
    near = sp.csr_matrix((labels[:, None] == labels[None, :]).astype(float))
    speaking.obsp["near"] = near
    tl.ligand_receptor(speaking, pairs=pairs(speaking).replace("REC_A_RECB", "REC_A"), neighbors_key="near")
    table = get.ligand_receptor(speaking)
    assert (table["source"] == table["target"]).all()
    speaking.obsp["near"] = sp.csr_matrix(near.shape)
    with pytest.raises(InputError, match="joins no two cells"):
        tl.ligand_receptor(speaking, pairs=pairs(speaking), neighbors_key="near")


def test_cells_that_touch_are_joined_by_what_attracts_and_what_repels(speaking: AnnData) -> None:
    n = speaking.n_obs
    speaking.obsp["near"] = sp.diags_array(np.ones(n - 1), offsets=1).tocsr()  # one way, as some builders leave it
    listed = pd.DataFrame({"ligand": ["LIG"], "receptor": ["RECB"]})
    tl.ligand_receptor(speaking, pairs=listed, neighbors_key="near")
    attracting = speaking.obsp["scrcl_ligand_receptor"]
    touching = speaking.obsp["near"] + speaking.obsp["near"].T
    assert attracting.nnz == (attracting.multiply(touching) > 0).sum() > 0
    sender, receiver = ((speaking.obs["scrcl"] == group).to_numpy() for group in ("0", "1"))
    there, back = attracting[sender][:, receiver], attracting[receiver][:, sender]
    assert there.sum() > 5 * back.sum()
    tl.ligand_receptor(speaking, pairs=listed.assign(sign="repel"), neighbors_key="near")
    np.testing.assert_array_equal(speaking.obsp["scrcl_ligand_receptor"].toarray(), -attracting.toarray())
    tl.ligand_receptor(speaking, pairs=listed)  # without a tissue no cells touch: what was there is not left behind
    assert "scrcl_ligand_receptor" not in speaking.obsp


def test_results_survive_h5ad_and_are_the_same_again(speaking: AnnData, tmp_path: Path) -> None:
    listed = pairs(speaking).replace("REC_A_RECB", "REC_A")
    tl.ligand_receptor(speaking, pairs=listed)
    first = get.ligand_receptor(speaking)
    tl.ligand_receptor(speaking, pairs=listed)
    pd.testing.assert_frame_equal(get.ligand_receptor(speaking), first)
    speaking.write_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(get.ligand_receptor(anndata.read_h5ad(tmp_path / "a.h5ad")), first)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"a": ["LIG"]}), "columns ligand and receptor"),
        (pd.DataFrame({"ligand": ["LIG"], "receptor": ["LIG"], "sign": ["pull"]}), "not 'pull'"),
        (pd.DataFrame({"ligand": ["x"], "receptor": ["LIG"]}), "check the gene names"),
    ],
)
def test_broken_tables_are_refused_and_nothing_is_written(speaking: AnnData, table: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tl.ligand_receptor(speaking, pairs=table)
    assert "scrcl_ligand_receptor" not in speaking.uns


def test_the_dot_plot_shows_what_is_called_and_refuses_nothing(speaking: AnnData) -> None:
    with pytest.raises(InputError, match="no ligand-receptor scores"):
        pl.ligand_receptor_dotplot(speaking)
    tl.ligand_receptor(speaking, pairs=pairs(speaking).replace("REC_A_RECB", "REC_A"))
    ax = pl.ligand_receptor_dotplot(speaking, max_padj=0.01)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["LIG → REC_A"]
    assert "0 → 1" in [label.get_text() for label in ax.get_xticklabels()]
    with pytest.raises(InputError, match="no group '9'"):
        get.ligand_receptor(speaking, source="9")
