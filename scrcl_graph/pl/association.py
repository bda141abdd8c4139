"""Cell-gene association: heat map, dot plot, network, and genes among the cells."""

from __future__ import annotations

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

from scrcl_graph import get
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph.pl._shared import axes, colour_limit, column, palette, results, scatter, signed_heatmap
from scrcl_graph.pl.clusters import umap_points

_CELLS_OF_A_GENE = 15
_JOINT_CELLS = 20_000


def association_heatmap(adata: AnnData, *, key: str = "scrcl", n_genes: int = 4, ax: Axes | None = None) -> Axes:
    """Mean association score of each group's top genes in every group."""
    shown = _top(adata, key, n_genes, "score")
    return signed_heatmap(shown, ax, _groupby(adata, key), "Association, standard deviations")


def association_dotplot(adata: AnnData, *, key: str = "scrcl", n_genes: int = 4, ax: Axes | None = None) -> Axes:
    """Measured effect (colour) and share of expressing cells (area) of each group's top genes in every group.

    A ring marks what differs from the other cells at a false discovery rate of 5 %.
    """
    effect, fraction, padj = (_top(adata, key, n_genes, name) for name in ("effect", "fraction", "padj"))
    ax = axes(ax, 3.5 + 0.26 * effect.shape[1], 1.8 + 0.3 * effect.shape[0])
    x, y = np.meshgrid(range(effect.shape[1]), range(effect.shape[0]))
    limit = colour_limit(effect)
    ring = np.where(padj.to_numpy().ravel() < 0.05, "black", "none")
    dots = ax.scatter(
        x.ravel(), y.ravel(), s=110 * fraction.to_numpy().ravel(), c=effect.to_numpy().ravel(), cmap="RdBu_r",
        vmin=-limit, vmax=limit, edgecolors=ring, linewidths=0.6,
    )  # fmt: skip
    ax.set_xticks(range(effect.shape[1]), effect.columns, rotation=90, fontsize=7)
    ax.set_yticks(range(effect.shape[0]), effect.index)
    ax.set(ylabel=_groupby(adata, key), title="Measured effect, standard deviations", ylim=(len(effect) - 0.4, -0.6))
    plt.colorbar(dots, ax=ax, shrink=0.8, extend="both")
    for share in (0.2, 0.6, 1.0):
        ax.scatter([], [], s=110 * share, c="0.6", label=f"{share:.0%}")
    ax.legend(title="cells expressing", frameon=False, loc="upper left", bbox_to_anchor=(1.12, 1), fontsize=8)
    return ax


def association_network(adata: AnnData, *, key: str = "scrcl", n_genes: int = 6, ax: Axes | None = None) -> Axes:
    """Groups and the genes most raised in them; a gene between two groups belongs to both."""
    graph = get.association_network(adata, key=key, n_genes=n_genes)
    if not graph:
        raise InputError(f"no gene is raised in any group of '{key}' at a false discovery rate of 5 %")
    ax = axes(ax, 13, 5)
    groups = [node for node, kind in graph.nodes(data="kind") if kind == "group"]
    at = _side_by_side(graph)
    nx.draw_networkx_edges(graph, at, ax=ax, edge_color="0.75")
    names = adata.varm[Keys(key).association("score")].columns
    colours = palette(len(names))[names.get_indexer([node.removeprefix("group ") for node in groups])]
    nx.draw_networkx_nodes(graph, at, nodelist=groups, node_color=colours, node_size=450, ax=ax)
    for node, (x, y) in at.items():
        name = node.removeprefix("group ") if node in groups else node
        ax.text(x, y, name, ha="center", va="center", fontsize=9 if node in groups else 7)
    ax.set(title="Groups and their top genes")
    ax.set_axis_off()
    return ax


def joint_umap(adata: AnnData, *, key: str = "scrcl", n_genes: int = 3, seed: int = 0, ax: Axes | None = None) -> Axes:
    """UMAP of cells together with the top genes of each group.

    A gene enters at the mean embedding of the 15 cells with its largest scores. Of more than 20,000 cells a random
    sample is shown.
    """
    results(adata, key)
    genes = list(dict.fromkeys(get.associations(adata, key=key, n_genes=n_genes)["gene"]))
    rows = np.sort(np.random.default_rng(seed).permutation(adata.n_obs)[:_JOINT_CELLS])
    embedding = np.asarray(adata.obsm[Keys(key).embedding])
    scores = get.scores(adata, genes=genes, key=key).to_numpy()
    nearest = np.argsort(-scores, axis=0, kind="stable")[:_CELLS_OF_A_GENE]
    points = umap_points(np.vstack([embedding[rows], embedding[nearest].mean(axis=0)]), seed)
    groupby = _groupby(adata, key)
    ax = scatter(axes(ax, 7, 6), points[: len(rows)], column(adata, groupby).iloc[rows], f"Cells by {groupby}, genes")
    ax.scatter(points[len(rows) :, 0], points[len(rows) :, 1], marker="D", s=14, c="black")
    for i, (gene, at) in enumerate(zip(genes, points[len(rows) :], strict=True)):
        above = 8 * (i % n_genes) - 4 * (n_genes - 1)  # genes of one group lie together: their names are stacked
        ax.annotate(gene, at, xytext=(9, above), textcoords="offset points", fontsize=7, va="center")
    return ax


def _side_by_side(graph: nx.Graph) -> dict[str, tuple[float, float]]:
    """Positions of the nodes, one connected component beside the other."""
    at: dict[str, tuple[float, float]] = {}
    left = 0.0
    for nodes in sorted(nx.connected_components(graph), key=len, reverse=True):
        radius = len(nodes) ** 0.5
        part = nx.Graph()  # a view of the component would have the order of a set, which is another in each process
        part.add_nodes_from(node for node in graph if node in nodes)
        part.add_edges_from(edge for edge in graph.edges(data=True) if edge[0] in nodes)
        at |= nx.kamada_kawai_layout(part, scale=radius, center=(left + radius, 0))
        left += 2 * radius + 1
    return at


def _groupby(adata: AnnData, key: str) -> str:
    return str(adata.uns[Keys(key).associations]["groupby"])


def _top(adata: AnnData, key: str, n_genes: int, statistic: str) -> pd.DataFrame:
    """A statistic of the top genes of every group, groups x genes."""
    if n_genes < 1:
        raise InputError(f"n_genes is {n_genes}, but must be at least 1")
    genes = dict.fromkeys(get.associations(adata, key=key, n_genes=n_genes)["gene"])
    table: pd.DataFrame = adata.varm[Keys(key).association(statistic)].loc[list(genes)].T
    return table
