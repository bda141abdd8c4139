"""The table of associations."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData

from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys

STATISTICS = ("score", "effect", "contrast", "pvalue", "padj", "specificity", "fraction")


def associations(
    adata: AnnData, *, key: str = "scrcl", n_genes: int | None = None, max_padj: float | None = None
) -> pd.DataFrame:
    """Genes of each group, best first, as found by :func:`scrcl_graph.tl.associations`.

    Parameters
    ----------
    adata
        After :func:`scrcl_graph.tl.associations`.
    key
        ``key_added`` of :func:`scrcl_graph.tl.refine`.
    n_genes
        Genes per group; all by default.
    max_padj
        Only genes that are raised in the group at this false discovery rate.

    Returns
    -------
    Columns ``group``, ``gene``, ``score``, ``effect``, ``contrast``, ``pvalue``, ``padj``, ``specificity``,
    ``fraction``, by decreasing contrast within a group.

    Raises
    ------
    InputError
        If there are no associations under ``key``.
    """
    keys = Keys(key)
    if keys.associations not in adata.uns:
        verb = "associations" if key in adata.uns else "refine first, then scrcl_graph.tl.associations"
        raise InputError(f"there are no associations under '{key}': run scrcl_graph.tl.{verb}")
    if keys.association("score") not in adata.varm:  # adata.raw.to_adata() keeps uns and drops varm
        raise InputError(f"varm no longer has the associations under '{key}': run scrcl_graph.tl.associations again")
    tables = {name: adata.varm[keys.association(name)] for name in STATISTICS}
    groups = tables["score"].columns
    parts = []
    for group in groups:
        part = pd.DataFrame({name: table[group].to_numpy() for name, table in tables.items()})
        part.insert(0, "gene", adata.var_names)
        part.insert(0, "group", pd.Categorical.from_codes(np.full(len(part), groups.get_loc(group)), groups))
        part = part[part["score"].notna()].sort_values("contrast", ascending=False, kind="stable")
        if max_padj is not None:
            part = part[(part["padj"] <= max_padj) & (part["effect"] > 0)]
        parts.append(part.head(n_genes) if n_genes is not None else part)
    return pd.concat(parts, ignore_index=True)
