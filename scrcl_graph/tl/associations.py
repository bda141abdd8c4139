"""The genes tied to each cluster: the model's scores, and a test on the expression that was measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData

from scrcl_graph._adata.results import expression, factors, grouping
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph.stats import compare_groups
from scrcl_graph.tl._checks import check_copy


def associations(
    adata: AnnData,
    *,
    groupby: str | None = None,
    layer: str | None = None,
    key: str = "scrcl",
    copy: bool = False,
) -> AnnData | None:
    """Association of each gene with each group of cells.

    The score is the model's. It is smooth: a gene borrows from its correlated genes and a cell from its neighbours, so
    it is no evidence by itself. Genes are ranked by the contrast of measured expression. The p-value comes from the
    measured expression alone; the null hypothesis is that the gene's values, depth taken out, are exchangeable over
    the cells, whatever their group (:func:`scrcl_graph.stats.compare_groups`). Log-normalised input still depends on
    depth; there a gene can be called because the cells of a group are deeper.

    Clusters that were found in the same expression follow its noise, and then p-values are too small even where
    there are no types at all: they say how well a gene marks a cluster, not that the cluster exists. Where that
    matters, find the clusters in one part of the counts and test in the other (:func:`scrcl_graph.tl.split_counts`).

    Parameters
    ----------
    adata
        After :func:`refine`.
    groupby
        Categorical column of ``obs``; by default the clusters of ``key``. Cells without a group are left out.
    layer
        Matrix to test; by default the one that :func:`refine` read.
    key
        ``key_added`` of :func:`refine`.
    copy
        Return a copy with the results instead of writing to ``adata``.

    Returns
    -------
    None, or with ``copy`` the annotated copy. Sets tables of genes x groups (float64, NaN for genes the model did not
    use), read by :func:`scrcl_graph.get.associations`:

    ``varm[key + "_associations_score"]``
        Mean over the group's cells of the model's score, relative to the average cell; with the default preset in
        standard deviations of the gene.
    ``varm[key + "_associations_effect"]``
        Mean in the group minus mean in the other cells, in standard deviations: of count residuals, or of
        log-normalised expression where there are no counts.
    ``varm[key + "_associations_contrast"]``
        Mean in the group minus that in the other groups (their average, each counting once), averaged with mean in the
        group minus that in the nearest, the group with the largest; in standard deviations. It ranks the genes.
    ``varm[key + "_associations_pvalue"]``, ``varm[key + "_associations_padj"]``
        Two-sided p-value, and Benjamini-Hochberg over the genes of a group.
    ``varm[key + "_associations_specificity"]``
        The group's part of the gene's abundance when all groups have one size.
    ``varm[key + "_associations_fraction"]``
        Share of the group's cells that express the gene.
    ``uns[key + "_associations"]``
        ``groupby``, the matrix tested, and ``n_cells`` that have a group.

    Raises
    ------
    InputError
        If there are no results under ``key``, no such column or layer, fewer than two groups or three
        cells with one, or a copy is wanted of data that lies in a file.
    """
    check_copy(adata, copy)
    keys = Keys(key)
    groups = grouping(adata, groupby or key, key)
    known = groups.notna().to_numpy()
    names = groups.cat.categories
    if len(names) < 2:
        raise InputError(f"obs['{groups.name}'] has fewer than two groups: there is nothing to compare")
    if known.sum() < 3:
        raise InputError(f"only {known.sum()} cells have a group in obs['{groups.name}']: three are needed")
    model, used = factors(adata, key)
    measured = expression(adata, adata.var_names[used], layer, key)
    codes = groups.cat.codes.to_numpy()[known]
    depth = None if measured.depth is None else measured.depth[known]
    test = compare_groups(measured.values[known], codes, len(names), depth=depth)
    score = model.take(cells=known, genes=used).group_means(codes).T
    target = adata.copy() if copy else adata
    for statistic, values in {"score": score, **vars(test)}.items():
        table = np.full((adata.n_vars, len(names)), np.nan)
        table[used] = values
        target.varm[keys.association(statistic)] = pd.DataFrame(table, index=adata.var_names, columns=names)
    target.uns[keys.associations] = {
        "groupby": groups.name,
        "matrix": measured.where,
        "n_cells": int(known.sum()),
    }
    return target if copy else None
