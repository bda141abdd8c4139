"""The table of ligand-receptor scores, and the network of groups that it makes."""

from __future__ import annotations

import networkx as nx
import pandas as pd
from anndata import AnnData

from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys


def ligand_receptor(
    adata: AnnData,
    *,
    source: str | None = None,
    target: str | None = None,
    max_padj: float | None = None,
    key: str = "scrcl",
) -> pd.DataFrame:
    """Ligand-receptor pairs between groups, best first, as found by :func:`scrcl_graph.tl.ligand_receptor`.

    Parameters
    ----------
    adata
        After :func:`scrcl_graph.tl.ligand_receptor`.
    source, target
        Only pairs from, or to, this group.
    max_padj
        Only pairs at this false discovery rate.
    key
        ``key_added`` of :func:`scrcl_graph.tl.refine`.

    Returns
    -------
    Columns ``source``, ``target``, ``ligand``, ``receptor``, ``score``, ``effect``, ``pvalue``, ``padj``, ``sign``, by
    decreasing ``effect``.

    Raises
    ------
    InputError
        If there are no such scores under ``key``, or no such group among them.
    """
    keys = Keys(key)
    if keys.ligand_receptor not in adata.uns:
        raise InputError(f"there are no ligand-receptor scores under '{key}': run scrcl_graph.tl.ligand_receptor first")
    table: pd.DataFrame = adata.uns[keys.ligand_receptor]["table"]
    for side, group in (("source", source), ("target", target)):
        if group is None:
            continue
        if group not in table[side].cat.categories:
            raise InputError(f"there is no group '{group}' (groups: {', '.join(table[side].cat.categories)})")
        table = table[table[side] == group]
    if max_padj is not None:
        table = table[table["padj"] <= max_padj]
    return table.reset_index(drop=True)


def ligand_receptor_network(adata: AnnData, *, max_padj: float = 0.05, key: str = "scrcl") -> nx.DiGraph:
    """Groups joined by the ligand-receptor pairs that one sends to another.

    An edge carries ``pairs``, how many at the false discovery rate ``max_padj``, and ``attract`` and ``repel``, how
    many of these have that sign. ``networkx.write_graphml`` can write it.
    """
    table = ligand_receptor(adata, max_padj=max_padj, key=key)
    graph = nx.DiGraph()
    graph.add_nodes_from(table["source"].cat.categories)
    for (source, target), part in table.groupby(["source", "target"], observed=True):
        graph.add_edge(
            source,
            target,
            pairs=len(part),
            attract=int((part["sign"] > 0).sum()),
            repel=int((part["sign"] < 0).sum()),
        )
    return graph
