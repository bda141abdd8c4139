"""Associations and modules as networkx graphs, and what the graphs look like."""

from __future__ import annotations

from typing import Literal

import networkx as nx
import numpy as np
import pandas as pd
from anndata import AnnData

from scrcl_graph import stats
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph._seeds import check_seed
from scrcl_graph.get.associations import associations
from scrcl_graph.get.modules import modules


def association_network(adata: AnnData, *, n_genes: int = 10, max_padj: float = 0.05, key: str = "scrcl") -> nx.Graph:
    """The bipartite network of groups and the genes most raised in them.

    Parameters
    ----------
    adata
        After :func:`scrcl_graph.tl.associations`.
    n_genes
        Genes per group.
    max_padj
        False discovery rate.
    key
        ``key_added`` of :func:`scrcl_graph.tl.refine`.

    Returns
    -------
    Nodes ``group NAME`` and genes carry ``kind`` (``"group"`` or ``"gene"``); an edge carries ``score``, ``effect``
    and ``padj``. ``networkx.write_graphml`` can write it.
    """
    graph = nx.Graph()
    for row in associations(adata, key=key, n_genes=n_genes, max_padj=max_padj).itertuples():
        graph.add_node(f"group {row.group}", kind="group")
        graph.add_node(str(row.gene), kind="gene")
        numbers = {name: float(getattr(row, name)) for name in ("score", "effect", "padj")}
        graph.add_edge(f"group {row.group}", str(row.gene), **numbers)
    return graph


def module_network(adata: AnnData, *, key: str = "scrcl") -> nx.Graph:
    """The gene graph among the genes that are in a module.

    Nodes carry ``module`` and ``membership``, edges the signed ``weight`` of the gene graph. ``networkx.write_graphml``
    can write it. ``adata`` must have been through :func:`scrcl_graph.tl.gene_modules`.
    """
    graph = nx.Graph()
    table = modules(adata, key=key)
    for row in table.itertuples():
        graph.add_node(str(row.gene), module=str(row.module), membership=float(row.membership))
    rows = adata.var_names.get_indexer(table["gene"])
    links = adata.varp[Keys(key).gene_connectivities][rows][:, rows].tocoo()
    names = list(table["gene"])
    for i, j, weight in zip(links.row, links.col, links.data, strict=True):
        graph.add_edge(names[i], names[j], weight=float(weight))
    return graph


def graph_diagnostics(
    adata: AnnData,
    *,
    graph: Literal["cell", "gene"] = "cell",
    n_random: int = 10,
    random_state: int = 0,
    key: str = "scrcl",
) -> pd.DataFrame:
    """Degrees, components, triangles and assortativity of the cell or gene graph, beside rewired graphs.

    Any kNN graph of points has many triangles, also of points without clusters, so more triangles than in rewired
    graphs show that the graph is local, not that there are types.

    Parameters
    ----------
    adata
        After :func:`scrcl_graph.tl.refine`.
    graph
        ``"cell"`` or ``"gene"``; of the gene graph only the genes used.
    n_random
        Rewired graphs.
    random_state
        Seed of the rewiring.
    key
        ``key_added`` of :func:`scrcl_graph.tl.refine`.

    Returns
    -------
    As :func:`scrcl_graph.stats.diagnostics`.

    Raises
    ------
    InputError
        If there are no results under ``key``, or ``graph`` is neither.
    """
    keys, seed = Keys(key), check_seed(random_state)
    if graph not in ("cell", "gene"):
        raise InputError(f"graph is '{graph}', but must be 'cell' or 'gene'")
    if keys.connectivities not in adata.obsp:
        raise InputError(f"there are no graphs under '{key}': run scrcl_graph.tl.refine first")
    if graph == "cell":
        return stats.diagnostics(adata.obsp[keys.connectivities], n_random=n_random, seed=seed)
    used = np.abs(adata.varm[keys.genes]).sum(axis=1) > 0
    genes = adata.varp[keys.gene_connectivities][used][:, used]
    return stats.diagnostics(genes, n_random=n_random, seed=seed)
