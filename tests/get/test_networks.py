from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from anndata import AnnData

from scrcl_graph import InputError, get


def test_the_bipartite_network_joins_groups_with_their_top_genes(associated: AnnData, tmp_path: Path) -> None:
    graph = get.association_network(associated, n_genes=5)
    table = get.associations(associated, n_genes=5, max_padj=0.05)
    assert graph.number_of_edges() == len(table)
    assert nx.is_bipartite(graph)
    row = table.iloc[7]
    edge = graph.edges[f"group {row['group']}", row["gene"]]
    assert edge == {name: pytest.approx(row[name]) for name in ("score", "effect", "padj")}
    nx.write_graphml(graph, tmp_path / "a.graphml")
    again = nx.read_graphml(tmp_path / "a.graphml")
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
    assert again.adj == graph.adj


def test_the_module_network_is_the_gene_graph_within_the_modules(associated: AnnData, tmp_path: Path) -> None:
    graph = get.module_network(associated)
    table = get.modules(associated)
    assert list(graph) == table["gene"].tolist()
    rows = associated.var_names.get_indexer(list(graph))
    links = associated.varp["scrcl_gene_connectivities"][rows][:, rows].toarray()
    np.testing.assert_allclose(nx.to_numpy_array(graph), links, rtol=1e-6)
    assert nx.get_node_attributes(graph, "module") == dict(zip(table["gene"], table["module"], strict=True))
    nx.write_graphml(graph, tmp_path / "m.graphml")
    again = nx.read_graphml(tmp_path / "m.graphml")
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
    assert again.adj == graph.adj


def test_diagnostics_describe_the_stored_graphs(refined: AnnData, planted: AnnData) -> None:
    cells, genes = (get.graph_diagnostics(refined, graph=kind, n_random=2) for kind in ("cell", "gene"))
    assert cells.loc["edges", "observed"] == refined.obsp["scrcl_connectivities"].nnz / 2
    assert genes.loc["edges", "observed"] == refined.varp["scrcl_gene_connectivities"].nnz / 2
    assert cells.loc["transitivity", "observed"] > 2 * cells.loc["transitivity", "random"]
    with pytest.raises(InputError, match="must be 'cell' or 'gene'"):
        get.graph_diagnostics(refined, graph="cells")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"run scrcl_graph\.tl\.refine first"):
        get.graph_diagnostics(planted)
