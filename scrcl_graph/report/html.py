"""The report: what was run, the clusters, how training went, and the genes of each cluster."""

from __future__ import annotations

import base64
import io
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

from scrcl_graph import pl
from scrcl_graph._files import replacing
from scrcl_graph._keys import Keys
from scrcl_graph.get import associations
from scrcl_graph.gr import GeneSets
from scrcl_graph.pl._shared import results
from scrcl_graph.report.words import cluster_words

TOP_GENES = 8


def write_report(
    adata: AnnData,
    path: str | PathLike[str],
    *,
    key: str = "scrcl",
    title: str = "scrcl-graph",
    gene_sets: GeneSets | None = None,
) -> None:
    """Write one HTML file with everything inside it: no script, no network.

    Parameters
    ----------
    adata
        After :func:`scrcl_graph.tl.refine` and :func:`scrcl_graph.tl.associations`; modules are shown where
        :func:`scrcl_graph.tl.gene_modules` has been run.
    path
        Of the file; it is replaced whole.
    key
        ``key_added`` of the run.
    title
        Heading.
    gene_sets
        Genes by name, looked up among the genes of each cluster (:func:`cluster_words`).
    """
    summary = results(adata, key)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = resources.files("scrcl_graph.report").joinpath("template.html").read_text(encoding="utf-8")
    page = environment.from_string(source).render(
        title=title,
        n_cells=adata.n_obs,
        summary=summary,
        clusters=_clusters(adata, key),
        words=cluster_words(adata, key=key, gene_sets=gene_sets),
        figures=_figures(adata, key, summary),
    )
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _clusters(adata: AnnData, key: str) -> list[dict[str, Any]]:
    sizes: pd.Series[int] = adata.obs[key].value_counts(sort=False)
    top = associations(adata, key=key, n_genes=TOP_GENES).groupby("group", sort=False, observed=True)
    return [
        {
            "name": name,
            "size": int(sizes[name]),
            "share": sizes[name] / adata.n_obs,
            "genes": list(zip(genes["gene"], genes["effect"], strict=True)),
        }
        for name, genes in top
    ]


def _figures(adata: AnnData, key: str, summary: dict[str, Any]) -> list[dict[str, str]]:
    wanted: list[tuple[str, Callable[..., Axes]]] = [
        ("Cells by cluster: UMAP of the refined embedding. Distances between far groups mean little.", pl.umap)
    ]
    positions, slices = (summary["input"].get(name, "none") for name in ("spatial_key", "batch_key"))
    if positions in adata.obsm:
        tissue = partial(pl.spatial, spatial_key=positions, library_key=None if slices == "none" else slices)
        wanted.append(("Clusters on the tissue.", tissue))
    wanted.append(("Association of the top genes of each cluster with every cluster.", pl.association_heatmap))
    wanted.append(("What was measured of the same genes.", pl.association_dotplot))
    if Keys(key).modules in adata.uns:
        wanted.append(("Gene modules in every cluster.", pl.module_heatmap))
    if summary["params"]["epochs"]:
        wanted.append(("Objectives over training, each as a share of its first value.", pl.loss))
    if "k_selection" in summary:
        wanted.append(("Overlap of clusters learned on different halves of the cells, and the chosen k.", pl.k_curve))
    return [{"caption": caption, "png": _png(plot(adata, key=key))} for caption, plot in wanted]


def _png(ax: Axes) -> str:
    buffer = io.BytesIO()
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.savefig(buffer, format="png", dpi=130, bbox_inches="tight")
    plt.close(figure)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
