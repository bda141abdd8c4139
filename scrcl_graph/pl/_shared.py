"""What the plots share: reading results, axes, and one colour per cluster."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from numpy.typing import NDArray

from scrcl_graph._errors import InputError


def results(adata: AnnData, key: str) -> dict[str, Any]:
    """``uns[key]`` of a run, or InputError."""
    if key not in adata.uns or key not in adata.obs:
        raise InputError(f"there are no results under '{key}': run scrcl_graph.tl.refine first")
    summary: dict[str, Any] = adata.uns[key]
    return summary


def axes(ax: Axes | None, width: float = 5.0, height: float = 4.0) -> Axes:
    """The axes given, or those of a new figure of that size in inches."""
    return ax if ax is not None else plt.figure(figsize=(width, height), layout="constrained").add_subplot()


def column(adata: AnnData, name: str) -> Any:
    """A column of ``obs`` as categories, or InputError."""
    if name not in adata.obs:
        raise InputError(f"there is no obs['{name}'] (obs: {', '.join(adata.obs) or 'none'})")
    return adata.obs[name].astype("category")


def palette(n: int) -> NDArray[np.float64]:
    """N distinct colours, n x 4."""
    if n > 20:
        return np.asarray(plt.get_cmap("gist_rainbow")(np.linspace(0, 1, n)))
    # tab20 holds pairs of dark and light: all dark ones first
    order = np.r_[np.arange(0, 20, 2), np.arange(1, 20, 2)]
    return np.asarray(plt.get_cmap("tab20")(order[:n]))


def heatmap(table: pd.DataFrame, ax: Axes | None, ylabel: str, title: str) -> Axes:
    """A signed table as colours around zero; the largest twentieth have the darkest."""
    names = max(len(str(name)) for name in table.index)
    ax = axes(ax, 2.5 + 0.22 * table.shape[1] + 0.08 * names, 1.8 + 0.25 * table.shape[0])
    limit = colour_limit(table)
    image = ax.imshow(table, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.set_xticks(range(table.shape[1]), table.columns, rotation=90, fontsize=7)
    ax.set_yticks(range(table.shape[0]), table.index)
    ax.set(ylabel=ylabel, title=title)
    plt.colorbar(image, ax=ax, shrink=0.8, extend="both")
    return ax


def colour_limit(table: pd.DataFrame) -> float:
    """Size that 95 % of the values do not exceed, so that one extreme group does not pale all others."""
    return float(np.quantile(np.abs(table.to_numpy()), 0.95))


def scatter(ax: Axes, points: NDArray[Any], categories: Any, title: str) -> Axes:
    """Points coloured by category, with the category's name at its median."""
    colours = palette(len(categories.cat.categories))
    codes = categories.cat.codes.to_numpy()
    size = float(np.clip(20_000 / len(points), 0.5, 30))
    order = np.random.default_rng(0).permutation(len(points))  # so that no cluster hides the others
    drawn = order[codes[order] >= 0]
    ax.scatter(points[drawn, 0], points[drawn, 1], s=size, c=colours[codes[drawn]], linewidths=0, rasterized=True)
    for i, name in enumerate(categories.cat.categories):
        if (codes == i).any():
            x, y = np.median(points[codes == i, :2], axis=0)
            label = ax.text(x, y, name, ha="center", va="center", fontsize=8, fontweight="bold")
            label.set_bbox({"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.8})
    ax.set(xticks=[], yticks=[], title=title)
    return ax
