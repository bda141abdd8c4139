"""Genes and cells in one space: their factors, in which the association score is the inner product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from scrcl_graph._adata.results import factors, grouping
from scrcl_graph._errors import InputError


def scores(
    adata: AnnData, *, genes: Sequence[str], cells: Sequence[str] | None = None, key: str = "scrcl"
) -> pd.DataFrame:
    """Association scores of some genes with some cells, or with all.

    The table of all cells and genes is never formed; only the part asked for is.

    Parameters
    ----------
    adata
        After :func:`scrcl_graph.tl.refine`.
    genes, cells
        Names; cells None takes all of them.
    key
        ``key_added`` of :func:`scrcl_graph.tl.refine`.

    Returns
    -------
    Cells x genes, float32: relative to the average cell, with the default preset in standard deviations of the gene.

    Raises
    ------
    InputError
        If there are no results under ``key``, or a name is unknown.
    """
    model, used = factors(adata, key)
    columns = used[_positions(adata.var_names[used], genes, "gene used by the model")]
    rows = np.arange(adata.n_obs) if cells is None else _positions(adata.obs_names, cells, "cell")
    part = model.take(cells=rows, genes=columns).scores()
    return pd.DataFrame(part, index=adata.obs_names[rows], columns=adata.var_names[columns])


def nearest_genes(
    adata: AnnData,
    *,
    cell: str | None = None,
    group: str | None = None,
    groupby: str | None = None,
    n: int = 10,
    key: str = "scrcl",
) -> pd.Series:
    """Genes of largest score with one cell, or on average with the cells of one group.

    Parameters
    ----------
    adata
        After :func:`scrcl_graph.tl.refine`.
    cell, group
        Name of a cell, or of a group: one of them.
    groupby
        Column of ``obs`` that ``group`` belongs to; by default the clusters of ``key``.
    n
        How many.
    key
        ``key_added`` of :func:`scrcl_graph.tl.refine`.

    Returns
    -------
    Scores by gene, largest first.
    """
    if (cell is None) == (group is None):
        raise InputError("name one cell or one group")
    model, used = factors(adata, key)
    if cell is not None:
        rows = _positions(adata.obs_names, [cell], "cell")
    else:
        groups = grouping(adata, groupby or key, key)
        _positions(groups.cat.categories, [str(group)], "group")
        rows = np.flatnonzero((groups == str(group)).to_numpy())
    means = model.take(cells=rows, genes=used).group_means(np.zeros(len(rows), dtype=np.int64))[0]
    return pd.Series(means, index=adata.var_names[used], name="score").nlargest(n)


def nearest_cells(adata: AnnData, *, gene: str, n: int = 10, key: str = "scrcl") -> pd.Series:
    """Cells of largest score with a gene, largest first. Parameters are as in :func:`nearest_genes`."""
    return scores(adata, genes=[gene], key=key)[gene].rename("score").nlargest(n)


def _positions(index: pd.Index, names: Sequence[str], what: str) -> np.ndarray:
    if not index.is_unique:
        raise InputError(f"two have the same {what} name: make the names unique")
    found = index.get_indexer(list(names))
    if (found < 0).any():
        raise InputError(f"'{list(names)[int(np.argmax(found < 0))]}' is no {what}")
    return np.asarray(found)
