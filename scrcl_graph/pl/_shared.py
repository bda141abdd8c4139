"""What the plots share: axes, cells as dots, tables as colours or as dots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from scrcl_graph._adata.colours import colours
from scrcl_graph._adata.parts import all_categories, obs_column
from scrcl_graph._errors import InputError

_LEGEND_ROWS = 12
_LONGEST_NAME = 28  # letters


def axes(ax: Axes | None, width: float = 5.0, height: float = 4.0) -> Axes:
    """The axes given, or those of a new figure of that size in inches."""
    return ax if ax is not None else plt.figure(figsize=(width, height), layout="constrained").add_subplot()


def coloured(adata: AnnData, name: str) -> tuple[pd.Series, dict[str, str]]:
    """A column of ``obs`` as numbers, or else as categories with the colour of each; or InputError."""
    values = obs_column(adata, name)
    if values.isna().all():
        raise InputError(f"obs['{name}'] has no value for any cell")
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.astype(np.float64), {}
    return all_categories(adata, name), colours(adata, name)


def short(names: Sequence[object]) -> list[str]:
    """Names as text, long ones cut."""
    return [text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…" for text in map(str, names)]


def scatter(
    ax: Axes,
    points: NDArray[Any],
    values: pd.Series,
    of_category: Mapping[str, str],
    title: str,
    *,
    area: float = 20_000,
    legend: bool = False,
    alpha: float = 1.0,
) -> Axes:
    """Cells as dots; ``area`` is of all of them.

    Coloured by category (its name at the median of its points, or in a legend), or by number with a colour bar; cells
    without a value are left out.
    """
    order = np.random.default_rng(0).permutation(len(points))  # so that no cluster hides the others
    order = order[values.notna().to_numpy()[order]]
    x, y = points[order, 0], points[order, 1]
    size = float(np.clip(area / len(points), 0.5, 30))
    numbers = not isinstance(values.dtype, pd.CategoricalDtype)
    shades = values.to_numpy()[order] if numbers else [of_category[name] for name in values.iloc[order]]
    dots = ax.scatter(x, y, s=size, c=shades, alpha=alpha, linewidths=0, rasterized=True)
    if numbers:
        colour_bar(ax, dots, "")
    else:
        _name_categories(ax, points, values, of_category, legend)
    ax.set(xticks=[], yticks=[], title=title)
    return ax


def _name_categories(
    ax: Axes, points: NDArray[Any], values: pd.Series, of_category: Mapping[str, str], legend: bool
) -> None:
    shown = values.cat.remove_unused_categories().cat.categories
    for name, text in zip(shown, short(shown), strict=True):
        if legend:
            ax.plot([], [], "o", markersize=6, color=of_category[name], label=text)
        else:
            x, y = np.median(points[(values == name).to_numpy(), :2], axis=0)
            label = ax.text(x, y, text, ha="center", va="center", fontsize=8, fontweight="bold")
            label.set_path_effects([withStroke(linewidth=2, foreground="white")])  # a box would hide few cells
    if legend:
        columns = -(-len(shown) // _LEGEND_ROWS)
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, ncols=columns)


def colour_bar(ax: Axes, drawn: ScalarMappable, label: str, **options: Any) -> None:
    """A colour bar with arrows where values lie beyond its ends."""
    values, (low, high) = np.ma.masked_invalid(np.asarray(drawn.get_array())), drawn.get_clim()
    below, above = bool((values < low).any()), bool((values > high).any())
    extend = "both" if below and above else "min" if below else "max" if above else "neither"
    plt.colorbar(drawn, ax=ax, label=label, extend=extend, **{"shrink": 0.8, **options})


def heatmap(
    ax: Axes,
    values: NDArray[Any],
    rows: Sequence[object],
    columns: Sequence[object],
    *,
    cmap: str,
    limits: tuple[float, float],
    digits: int,
    label: str,
) -> Axes:
    """A small table in colours, with its numbers where there is room for them; NaN is grey."""
    scale = plt.get_cmap(cmap).with_extremes(bad="0.85")
    image = ax.imshow(values, cmap=scale, vmin=limits[0], vmax=limits[1], aspect="auto")
    rows, columns = short(rows), short(columns)
    ax.set_xticks(range(len(columns)), columns, rotation=90 if max(map(len, columns)) > 4 else 0)
    ax.set_yticks(range(len(rows)), rows)
    if max(values.shape) <= 12:
        for (i, j), value in np.ndenumerate(values):
            red, green, blue, _ = scale(image.norm(value))
            dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
            rounded = round(float(value), digits) + 0.0  # no -0.0
            text = f"{rounded:.{digits}f}" if np.isfinite(value) else ""
            ax.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
    colour_bar(ax, image, label)
    return ax


def signed_heatmap(table: pd.DataFrame, ax: Axes | None, ylabel: str, title: str) -> Axes:
    """A signed table in standard deviations as colours around zero; the largest twentieth have the darkest."""
    rows, columns = short(table.index), short(table.columns)
    ax = axes(ax, 2.5 + 0.22 * len(columns) + 0.08 * max(map(len, rows)), 1.8 + 0.25 * len(rows))
    limit = _colour_limit(table.to_numpy())
    values, limits = table.to_numpy(), (-limit, limit)
    heatmap(ax, values, rows, columns, cmap="RdBu_r", limits=limits, digits=1, label="standard deviations")
    ax.tick_params(axis="x", labelsize=7)
    ax.set(ylabel=ylabel, title=title)
    return ax


def dots(
    ax: Axes | None,
    at: tuple[NDArray[np.intp], NDArray[np.intp]],
    columns: Sequence[object],
    rows: Sequence[object],
    *,
    effect: NDArray[Any],
    ring: NDArray[np.bool_],
    ring_label: str,
    share: NDArray[Any],
    sizes: Mapping[str, float],
    sizes_title: str,
) -> Axes:
    """A table as dots at some of its places: colour for the effect, area for a share, a ring for what is significant.

    ``sizes`` are the shares that the legend shows, by their names there.
    """
    rows, columns, area = short(rows), short(columns), 110.0
    ax = axes(ax, 3.6 + 0.26 * len(columns) + 0.05 * max(map(len, rows)), 2.6 + 0.3 * len(rows))
    limit = _colour_limit(effect)
    drawn = ax.scatter(
        *at, s=area * share, c=effect, cmap="RdBu_r", vmin=-limit, vmax=limit,
        edgecolors=np.where(ring, "black", "none"), linewidths=0.6,
    )  # fmt: skip
    ax.set_xticks(range(len(columns)), columns, rotation=90, fontsize=7)
    ax.set_yticks(range(len(rows)), rows, fontsize=8)
    ax.set(xlim=(-0.6, len(columns) - 0.4), ylim=(len(rows) - 0.4, -0.6))
    share_of_width = min(0.6, 2.5 / ax.get_window_extent().width * ax.figure.dpi)
    colour_bar(ax, drawn, "effect, standard deviations", location="bottom", aspect=30, shrink=share_of_width)
    for name, one in sizes.items():
        ax.scatter([], [], s=area * one, c="0.6", label=name)
    ax.scatter([], [], s=area / 2, facecolors="none", edgecolors="black", linewidths=0.6, label=ring_label)
    ax.legend(title=sizes_title, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, title_fontsize=8)
    return ax


def _colour_limit(values: NDArray[Any]) -> float:
    """Size that 95 % of the values do not exceed, so that one extreme group does not pale all others."""
    return float(np.quantile(np.abs(values), 0.95))
