"""Names from what is known: marker genes of types, or the types of a few cells. Never part of the label-free result."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from scrcl_graph._adata.results import grouping
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph.gr import GeneSets
from scrcl_graph.stats import benjamini_hochberg, compare_weighted, spread

logger = logging.getLogger(__name__)

UNKNOWN = "unknown"


def annotate(adata: AnnData, *, markers: GeneSets, max_padj: float = 0.05, key: str = "scrcl") -> None:
    """Name the groups of :func:`associations` by known marker genes.

    This uses prior knowledge: it is not part of the label-free result, and clusters stay as they are.

    The score of a type in a group is the mean effect of its markers. The null hypothesis is that they are as raised as
    genes drawn at random from those of the model (:func:`scrcl_graph.stats.compare_weighted`, genes in the place of
    cells). Genes of one type vary together, so p-values are too small. A group gets the type of the largest score among
    those at the false discovery rate, or ``"unknown"``; several groups can get one name.

    Parameters
    ----------
    adata
        After :func:`associations`.
    markers
        Marker genes by type, such as a dict or :func:`scrcl_graph.gr.read_gmt`.
    max_padj
        False discovery rate (Benjamini-Hochberg over all types and groups).
    key
        ``key_added`` of :func:`refine`.

    Returns
    -------
    None. Sets the following fields:

    ``obs[key + "_annotation"]``
        Type of each cell's group (categorical).
    ``uns[key + "_annotation"]``
        ``knowledge`` (what was used), ``table`` (``group``, ``type``, ``score``, ``pvalue``, ``padj``, ``n_genes``,
        best first within a group), ``unknown`` (markers that the model did not use).

    Raises
    ------
    InputError
        If there are no associations under ``key``, or no type has a marker among the genes of the model.
    """
    keys = Keys(key)
    if keys.associations not in adata.uns:
        raise InputError(f"there are no associations under '{key}': run scrcl_graph.tl.associations first")
    column = adata.uns[keys.associations]["groupby"]
    effect = adata.varm[keys.association("effect")].dropna()
    known = {name: sorted(set(genes) & set(effect.index)) for name, genes in markers.items()}
    unknown = sorted({gene for genes in markers.values() for gene in genes} - set(effect.index))
    types = [name for name, genes in known.items() if genes]
    if not types:
        raise InputError("no type has a marker among the genes of the model: check the gene names")
    if unknown:
        logger.warning("%d markers are not among the genes of the model, e.g. %s", len(unknown), ", ".join(unknown[:5]))
    members = _members([known[name] for name in types], effect.index)
    pvalue = compare_weighted(sp.csr_matrix(effect.to_numpy()), members).pvalue
    table = pd.DataFrame(
        {
            "group": np.repeat(effect.columns, len(types)),
            "type": np.tile(types, effect.shape[1]),
            "score": np.asarray(members @ effect.to_numpy()).T.ravel(),
            "pvalue": pvalue.ravel(),
            "padj": benjamini_hochberg(pvalue.ravel()),
            "n_genes": np.tile([len(known[name]) for name in types], effect.shape[1]),
        }
    ).sort_values("score", ascending=False, kind="stable")
    best = table[table["padj"] <= max_padj].drop_duplicates("group").set_index("group")["type"]
    groups = grouping(adata, column, key).astype(object)
    named = groups.map(best).fillna(UNKNOWN).where(groups.notna())
    order = pd.Categorical(table["group"], effect.columns)
    adata.obs[keys.annotation] = pd.Categorical(named)
    if keys.annotation_share in adata.obs:  # of spread_labels
        del adata.obs[keys.annotation_share]
    adata.uns[keys.annotation] = {
        "knowledge": "marker genes",
        "table": table.iloc[np.argsort(order.codes, kind="stable")].reset_index(drop=True),
        "unknown": np.array(unknown, dtype=object),
    }


def spread_labels(adata: AnnData, *, column: str, key: str = "scrcl") -> None:
    """Types of all cells from those of a few, over the cell graph of :func:`refine`.

    This uses labels: it is not part of the label-free result, and clusters stay as they are.

    Parameters
    ----------
    adata
        After :func:`refine`.
    column
        Categorical column of ``obs`` with the type of some cells, missing for the others.
    key
        ``key_added`` of :func:`refine`.

    Returns
    -------
    None. Sets the following fields:

    ``obs[key + "_annotation"]``
        Type of each cell (categorical); missing where the graph joins a cell to none that is known.
    ``obs[key + "_annotation_share"]``
        Share of that type in what reached the cell (:func:`scrcl_graph.stats.spread`), float64.
    ``uns[key + "_annotation"]``
        ``knowledge`` (what was used) and the number of labels.

    Raises
    ------
    InputError
        If there are no results under ``key``, no such column, or it has fewer than two types.
    """
    keys = Keys(key)
    if keys.connectivities not in adata.obsp:
        raise InputError(f"there are no graphs under '{key}': run scrcl_graph.tl.refine first")
    groups = grouping(adata, column, key)
    if groups.nunique() < 2:
        raise InputError(f"obs['{column}'] names fewer than two types: there is nothing to tell apart")
    codes = groups.cat.codes.to_numpy()
    shares = spread(adata.obsp[keys.connectivities], codes, groups.nunique())
    reached = shares.sum(axis=1) > 0
    found = np.where(codes >= 0, codes, np.where(reached, shares.argmax(axis=1), -1))
    adata.obs[keys.annotation] = pd.Categorical.from_codes(found, groups.cat.categories)
    adata.obs[keys.annotation_share] = np.where(reached, shares[np.arange(len(found)), found], np.nan)
    adata.uns[keys.annotation] = {"knowledge": f"labels in obs['{column}']", "n_labels": int((codes >= 0).sum())}


def _members(sets: list[list[str]], genes: pd.Index) -> sp.csr_matrix:
    """Sets x genes, rows sum to one."""
    columns = np.concatenate([genes.get_indexer(one) for one in sets])
    rows = np.repeat(np.arange(len(sets)), [len(one) for one in sets])
    weights = np.repeat([1 / len(one) for one in sets], [len(one) for one in sets])
    return sp.csr_matrix((weights, (rows, columns)), shape=(len(sets), len(genes)))
