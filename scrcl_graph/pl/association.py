"""Cell-gene association: heat map, dot plot, network, and genes among the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from numpy.typing import NDArray

from scrcl_graph import get
from scrcl_graph._adata.colours import colours
from scrcl_graph._adata.parts import categories
from scrcl_graph._adata.results import summary
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph.pl._shared import axes, dots, scatter, signed_heatmap
from scrcl_graph.pl.clusters import sampled, umap_points

_CELLS_OF_A_GENE = 15
_INCHES = 0.6  # of a network, per unit of its layout


def association_heatmap(adata: AnnData, *, key: str = "scrcl", n_genes: int = 4, ax: Axes | None = None) -> Axes:
    """Mean association score of each group's top genes in every group.

    Scores are the model's; the genes are those of largest contrast (:func:`scrcl_graph.get.associations`).
    """
    shown = _top(adata, key, n_genes, "score")
    return signed_heatmap(shown, ax, _groupby(adata, key), "Association score")


def association_dotplot(adata: AnnData, *, key: str = "scrcl", n_genes: int = 4, ax: Axes | None = None) -> Axes:
    """Measured effect (colour) and share of expressing cells (area) of each group's top genes in every group.

    A ring marks what differs from the other cells at a false discovery rate of 5 %.
    """
    effect, fraction, padj = (_top(adata, key, n_genes, name) for name in ("effect", "fraction", "padj"))
    x, y = np.meshgrid(range(effect.shape[1]), range(effect.shape[0]))
    ax = dots(
        ax,
        (x.ravel(), y.ravel()),
        effect.columns,
        effect.index,
        effect=effect.to_numpy().ravel(),
        ring=padj.to_numpy().ravel() <= 0.05,
        ring_label="FDR ≤ 5 %",
        share=fraction.to_numpy().ravel(),
        sizes={f"{share:.0%}": share for share in (0.2, 0.6, 1.0)},
        sizes_title="cells expressing",
    )
    ax.set(ylabel=_groupby(adata, key), title="Measured effect")
    return ax


def association_network(adata: AnnData, *, key: str = "scrcl", n_genes: int = 6, ax: Axes | None = None) -> Axes:
    """Groups and the genes most raised in them; a gene between two groups belongs to both."""
    graph = get.association_network(adata, key=key, n_genes=n_genes)
    if not graph:
        raise InputError(f"no gene is raised in any group of '{key}' at a false discovery rate of 5 %")
    groups = [node for node, kind in graph.nodes(data="kind") if kind == "group"]
    at = _in_rows(graph)
    width, height = np.ptp(list(at.values()), axis=0)
    ax = axes(ax, 2 + _INCHES * width, 1.5 + _INCHES * height)
    nx.draw_networkx_edges(graph, at, ax=ax, edge_color="0.75")
    names = [node.removeprefix("group ") for node in groups]
    of_group = colours(adata, _groupby(adata, key))
    shades = [of_group.get(name, "0.8") for name in names]  # a group may have no cell in this part of the data
    nx.draw_networkx_nodes(graph, at, nodelist=groups, node_color=shades, node_size=450, ax=ax)
    for node, (x, y) in at.items():
        name = node.removeprefix("group ") if node in groups else node
        ax.text(x, y, name, ha="center", va="center", fontsize=9 if node in groups else 7)
    ax.set(title="Groups and their top genes")
    ax.set_axis_off()
    return ax


def joint_umap(adata: AnnData, *, key: str = "scrcl", n_genes: int = 3, seed: int = 0, ax: Axes | None = None) -> Axes:
    """UMAP of cells together with the top genes of each group, as diamonds of its colour.

    A gene enters at the mean embedding of the 15 cells with its largest scores. Of more than 20,000 cells a random
    sample is shown, and the title says so.
    """
    summary(adata, key)
    groupby = _groupby(adata, key)
    values, of_group = categories(adata, groupby), colours(adata, groupby)
    table = get.associations(adata, key=key, n_genes=n_genes).drop_duplicates("gene")
    table = table[table["group"].astype(str).isin(of_group)]  # groups with cells in this part of the data
    genes = list(table["gene"])
    rows, note = sampled(adata, seed)
    embedding = np.asarray(adata.obsm[Keys(key).embedding])
    scores = get.scores(adata, genes=genes, key=key).to_numpy()
    nearest = np.argsort(-scores, axis=0, kind="stable")[:_CELLS_OF_A_GENE]
    points = umap_points(np.vstack([embedding[rows], embedding[nearest].mean(axis=0)]), seed)
    title = f"Cells by {groupby}, genes{note}"
    ax = scatter(axes(ax, 7, 6), points[: len(rows)], values.iloc[rows], of_group, title, alpha=0.5)
    x, y = points[len(rows) :].T
    shades = [of_group[str(group)] for group in table["group"]]
    ax.scatter(x, y, marker="D", s=22, c=shades, edgecolors="black", linewidths=0.8)
    _name_beside(ax, points[len(rows) :], genes)
    return ax


def _name_beside(ax: Axes, points: NDArray[Any], names: Sequence[str]) -> None:
    """Names to the right of their points, in the nearest line above or below that is free."""
    letter, line, gap = 4.6, 9.5, 9.0  # of this font and beside the point, in typographic points
    ax.autoscale_view()
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # so that the axes have their final place
    places = ax.transData.transform(points) * 72 / figure.dpi
    box = ax.get_window_extent()
    lowest, highest = (end * 72 / figure.dpi for end in (box.y0 + line, box.y1 - line))
    taken = np.empty((0, 3))  # left, right and middle of the names that have a place
    for i in np.argsort(places[:, 1], kind="stable"):
        name, (x, y) = names[i], places[i]
        left, right = x + gap, x + gap + letter * len(name)
        across = taken[(left < taken[:, 1]) & (taken[:, 0] < right), 2]
        lines = np.clip(y + line / 2 * np.arange(-2 * len(names), 2 * len(names) + 1), lowest, highest)
        free = lines[(np.abs(lines[:, None] - across) >= line - 1e-6).all(axis=1)]
        middle = free[np.abs(free - y).argmin()] if len(free) else y
        taken = np.vstack([taken, [left, right, middle]])
        ax.annotate(
            name, points[i], xytext=(gap, middle - y), textcoords="offset points", fontsize=7, va="center",
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.4", "shrinkA": 0, "shrinkB": 2},
        )  # fmt: skip


def _in_rows(graph: nx.Graph) -> dict[str, tuple[float, float]]:
    """Positions of the nodes: connected components side by side, in rows of a page about twice as wide as high."""
    components = sorted(nx.connected_components(graph), key=len, reverse=True)
    sides = [2 * len(nodes) ** 0.5 + 1 for nodes in components]
    page = max(sides[0], (2.2 * sum(side**2 for side in sides)) ** 0.5)
    at: dict[str, tuple[float, float]] = {}
    left = top = 0.0
    height = sides[0]  # of the row
    for nodes, side in zip(components, sides, strict=True):
        if left and left + side > page:
            left, top, height = 0.0, top - height, side  # sizes decrease: the first of a row is its highest
        part = nx.Graph()  # a view of the component would have the order of a set, which is another in each process
        part.add_nodes_from(node for node in graph if node in nodes)
        part.add_edges_from(edge for edge in graph.edges(data=True) if edge[0] in nodes)
        centre = (left + side / 2, top - height / 2)
        at |= nx.kamada_kawai_layout(part, scale=(side - 1) / 2, center=centre)
        left += side
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
