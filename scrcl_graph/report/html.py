"""The report: what was run, the clusters, how training went, and the genes of each cluster."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Callable
from functools import partial
from importlib import resources
from os import PathLike
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from anndata import AnnData
from jinja2 import Environment, StrictUndefined
from matplotlib.axes import Axes

from scrcl_graph import metrics, pl
from scrcl_graph._adata.parts import obs_column
from scrcl_graph._adata.results import summary
from scrcl_graph._errors import InputError
from scrcl_graph._files import replacing
from scrcl_graph._keys import Keys
from scrcl_graph.get import associations
from scrcl_graph.gr import GeneSets
from scrcl_graph.report.words import cluster_words, of_others

logger = logging.getLogger(__name__)

TOP_GENES = 8
_MOST_COLUMNS = 40  # of a figure of genes


def write_report(
    adata: AnnData,
    path: str | PathLike[str],
    *,
    key: str = "scrcl",
    title: str = "scrcl-graph",
    gene_sets: GeneSets | None = None,
    annotation: str | None = None,
) -> None:
    """Write one HTML file with everything inside it: no script, no network.

    Parameters
    ----------
    adata
        After :func:`scrcl_graph.tl.refine` and :func:`scrcl_graph.tl.associations`; modules are shown where
        :func:`scrcl_graph.tl.gene_modules` has been run, and how the clusters lie in the tissue where
        :func:`scrcl_graph.tl.domain_statistics` has, of these clusters and cells.
    path
        Of the file; it is replaced whole.
    key
        ``key_added`` of the run.
    title
        Heading.
    gene_sets
        Genes by name, looked up among the genes of each cluster (:func:`cluster_words`).
    annotation
        Column of ``obs`` to compare the clusters with, such as known cell types. The method has not seen it.
    """
    run = summary(adata, key)
    words = cluster_words(adata, key=key, gene_sets=gene_sets)
    tissue = adata.uns.get(Keys(key).domain_statistics)
    if tissue is not None and (why := of_others(adata, key, tissue)):
        logger.warning("the statistics of the tissue are %s and are left out of the report", why)
        tissue = None
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = resources.files("scrcl_graph.report").joinpath("template.html").read_text(encoding="utf-8")
    page = environment.from_string(source).render(
        title=title,
        n_cells=adata.n_obs,
        summary=run,
        tissue=tissue,
        agreement=None if annotation is None else _agreement(adata, key, annotation),
        clusters=_clusters(adata, key),
        words=words,
        figures=_figures(adata, key, run, tissue is not None, annotation),
    )
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _clusters(adata: AnnData, key: str) -> list[dict[str, Any]]:
    sizes: pd.Series[int] = adata.obs[key].value_counts(sort=False)
    raised = associations(adata, key=key, n_genes=TOP_GENES, max_padj=0.05)
    return [
        {
            "name": name,
            "size": int(sizes[name]),
            "share": sizes[name] / adata.n_obs,
            "genes": list(zip(genes["gene"], genes["effect"], strict=True)),
        }
        for name in raised["group"].cat.categories
        for genes in [raised[raised["group"] == name]]
    ]


def _agreement(adata: AnnData, key: str, annotation: str) -> dict[str, Any]:
    known = obs_column(adata, annotation).notna().to_numpy()
    if not known.any():
        raise InputError(f"obs['{annotation}'] has no value for any cell")
    cells = adata.obs[known]
    return {"column": annotation, "n_cells": int(known.sum()), **metrics.score(cells[annotation], cells[key])}


def _figures(
    adata: AnnData, key: str, run: dict[str, Any], tissue: bool, annotation: str | None
) -> list[dict[str, str]]:
    n_genes = max(1, min(4, _MOST_COLUMNS // run["n_clusters"]))
    wanted: list[tuple[str, Callable[..., Axes]]] = [
        ("Cells by cluster: UMAP of the refined embedding. Distances between far groups mean little.", pl.umap)
    ]
    if run["input"]["spatial_key"] in adata.obsm:
        wanted.append(("Clusters on the tissue.", pl.spatial))
    if tissue:
        wanted.append(("Contacts of cells that touch, against permuted clusters of the same sizes.", pl.enrichment))
        wanted.append(("Clusters in tissue order; the wider an arc, the more of their contacts.", pl.domain_graph))
    if annotation is not None:
        classes = "Share of the cells of each class in each cluster; the method has not seen the classes."
        wanted.append((classes, partial(pl.confusion, annotation=annotation)))
    measured = "Genes of largest contrast of each cluster, as measured in every cluster."
    wanted.append((measured, partial(pl.association_dotplot, n_genes=n_genes)))
    scored = "The same genes in the model: mean association score, relative to the average cell."
    wanted.append((scored, partial(pl.association_heatmap, n_genes=n_genes)))
    if Keys(key).modules in adata.uns:
        wanted.append(("Gene modules in every cluster.", pl.module_heatmap))
    if run["params"]["epochs"]:
        wanted.append(("Objectives over training, each as a share of its first value.", pl.loss))
    if "k_selection" in run:
        overlap = (
            "Overlap of clusters learned on different halves of the cells; the chosen number has the largest gain."
        )
        wanted.append((overlap, pl.k_curve))
    return [{"caption": caption, "png": _png(plot(adata, key=key))} for caption, plot in wanted]


def _png(ax: Axes) -> str:
    buffer = io.BytesIO()
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.savefig(buffer, format="png", dpi=130, bbox_inches="tight")
    plt.close(figure)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
