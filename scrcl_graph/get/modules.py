"""Tables of the gene modules."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData

from scrcl_graph._adata.results import grouping
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys


def modules(adata: AnnData, *, key: str = "scrcl") -> pd.DataFrame:
    """Genes of each module, as found by :func:`scrcl_graph.tl.gene_modules`.

    Returns
    -------
    Columns ``module``, ``gene``, ``membership`` and ``stability`` (of the module), by decreasing membership within a
    module.

    Raises
    ------
    InputError
        If there are no modules under ``key``.
    """
    keys = _found(adata, key)
    table = pd.DataFrame(
        {
            "module": adata.var[keys.modules],
            "gene": adata.var_names,
            "membership": adata.var[keys.membership],
        }
    ).dropna()
    table["stability"] = np.asarray(adata.uns[keys.modules]["stability"])[table["module"].cat.codes]
    return table.sort_values(["module", "membership"], ascending=[True, False], ignore_index=True)


def module_scores(adata: AnnData, *, groupby: str | None = None, key: str = "scrcl") -> pd.DataFrame:
    """Mean score of each module in each group of cells, modules x groups; by default the clusters of ``key``."""
    keys = _found(adata, key)
    groups = grouping(adata, groupby or key, key)
    names = adata.var[keys.modules].cat.categories
    scores = pd.DataFrame(adata.obsm[keys.modules], index=adata.obs_names, columns=names)
    return scores.groupby(groups, observed=True).mean().T.rename_axis("module")


def _found(adata: AnnData, key: str) -> Keys:
    keys = Keys(key)
    if keys.modules not in adata.uns:
        verb = "gene_modules" if key in adata.uns else "refine first, then scrcl_graph.tl.gene_modules"
        raise InputError(f"there are no gene modules under '{key}': run scrcl_graph.tl.{verb}")
    return keys
