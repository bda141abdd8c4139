"""The genes most tied to each cluster."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData

from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph.model import AssociationFactors


def associations(
    adata: AnnData, *, groupby: str | None = None, key: str = "scrcl", n_genes: int | None = None
) -> pd.DataFrame:
    """Association of each gene with each group of cells.

    Parameters
    ----------
    adata
        After :func:`refine`.
    groupby
        Categorical column of ``obs``; by default the clusters of ``key``.
    key
        ``key_added`` of :func:`refine`.
    n_genes
        Genes per group; all by default.

    Returns
    -------
    Columns ``group``, ``gene``, ``score``, best first within a group. The score is the mean over the group's cells
    of the model's cell-gene association, relative to the average cell; with the default preset in standard
    deviations of the gene.

    Raises
    ------
    InputError
        If there are no results under ``key`` or no such column.
    """
    keys = Keys(key)
    if keys.factors not in adata.obsm or keys.genes not in adata.varm:
        raise InputError(f"there are no association factors under '{key}': run scrcl_graph.tl.refine first")
    column = groupby or keys.key
    if column not in adata.obs:
        raise InputError(f"there is no obs['{column}'] (obs: {', '.join(adata.obs) or 'none'})")
    groups = adata.obs[column].astype("category")
    known = groups.notna().to_numpy()
    factors = AssociationFactors(adata.obsm[keys.factors][known], adata.varm[keys.genes])
    used = np.flatnonzero(np.abs(factors.genes).sum(axis=1) > 0)
    scores = factors.group_means(groups.cat.codes.to_numpy()[known])[:, used]
    names = adata.var_names[used]
    tables = []
    for group, row in zip(groups.cat.categories, scores, strict=False):
        best = np.argsort(-row, kind="stable")[:n_genes]
        tables.append(pd.DataFrame({"group": str(group), "gene": names[best], "score": row[best]}))
    return pd.concat(tables, ignore_index=True)
