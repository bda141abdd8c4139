"""What the plots share: reading results, axes, and one colour per cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from numpy.typing import NDArray

from scrcl_graph._errors import InputError
from scrcl_graph._keys import is_run


def results(adata: AnnData, key: str) -> dict[str, Any]:
    """``uns[key]`` of a run, or InputError."""
    if key not in adata.obs or not is_run(adata.uns.get(key)):
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


def colour_limit(table: pd.DataFrame) -> float:
    """Size that 95 % of the values do not exceed, so that one extreme group does not pale all others."""
    return float(np.quantile(np.abs(table.to_numpy()), 0.95))


def scatter(
    ax: Axes,
    points: NDArray[Any],
    categories: Any,
    title: str,
    *,
    area: float = 20_000,
    legend: bool = False,
    alpha: float = 1.0,
) -> Axes:
    """Points coloured by category, its name at the median of its points or in a legend; ``area`` is of all points."""
    colours = palette(len(categories.cat.categories))
    codes = categories.cat.codes.to_numpy()
    size = float(np.clip(area / len(points), 0.5, 30))
    order = np.random.default_rng(0).permutation(len(points))  # so that no cluster hides the others
    drawn = order[codes[order] >= 0]
    x, y = points[drawn, 0], points[drawn, 1]
    ax.scatter(x, y, s=size, c=colours[codes[drawn]], alpha=alpha, linewidths=0, rasterized=True)
    for i, name in enumerate(categories.cat.categories):
        if not (codes == i).any():
            continue
        if legend:
            ax.plot([], [], "o", markersize=6, color=colours[i], label=name)
        else:
            x, y = np.median(points[codes == i, :2], axis=0)
            label = ax.text(x, y, name, ha="center", va="center", fontsize=8, fontweight="bold")
            label.set_bbox({"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.8})
    if legend:
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    ax.set(xticks=[], yticks=[], title=title)
    return ax


def heatmap(
    ax: Axes,
    values: NDArray[Any],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    cmap: str,
    limits: tuple[float, float],
    digits: int,
    label: str,
) -> Axes:
    """A small table in colours, with its numbers where there is room for them; NaN is grey."""
    colours = plt.get_cmap(cmap).with_extremes(bad="0.85")
    image = ax.imshow(values, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto")
    ax.set_xticks(range(len(columns)), columns, rotation=90 if max(map(len, columns)) > 4 else 0)
    ax.set_yticks(range(len(rows)), rows)
    if max(values.shape) <= 12:
        for (i, j), value in np.ndenumerate(values):
            red, green, blue, _ = colours(image.norm(value))
            dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
            text = f"{value:.{digits}f}" if np.isfinite(value) else ""
            ax.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
    plt.colorbar(image, ax=ax, shrink=0.8, label=label)
    return ax


def signed_heatmap(table: pd.DataFrame, ax: Axes | None, ylabel: str, title: str) -> Axes:
    """A signed table as colours around zero; the largest twentieth have the darkest."""
    rows, columns = ([str(name) for name in names] for names in (table.index, table.columns))
    ax = axes(ax, 2.5 + 0.22 * len(columns) + 0.08 * max(map(len, rows)), 1.8 + 0.25 * len(rows))
    limit = colour_limit(table)
    heatmap(ax, table.to_numpy(), rows, columns, cmap="RdBu_r", limits=(-limit, limit), digits=1, label="")
    ax.tick_params(axis="x", labelsize=7)
    ax.set(ylabel=ylabel, title=title)
    return ax
