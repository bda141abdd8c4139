"""How domains lie to each other, and how they compare with an annotation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.patches import Arc
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from scrcl_graph._adata.colours import colours
from scrcl_graph._adata.parts import categories
from scrcl_graph._adata.results import summary
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph.pl._shared import axes, heatmap, short

_WIDEST = 8.0  # points, of a line


def enrichment(adata: AnnData, *, key: str = "scrcl", ax: Axes | None = None) -> Axes:
    """Neighbourhood enrichment (z-scores) of the domains, in tissue order; the colours span the off-diagonal."""
    found, order, names = _statistics(adata, key)
    values = found["enrichment"][np.ix_(order, order)]
    others = np.abs(values[~np.eye(len(values), dtype=bool)])
    limit = float(np.nanmax(others)) if np.isfinite(others).any() else 1.0
    ax = axes(ax, 2.5 + 0.35 * len(names), 1.5 + 0.35 * len(names))
    heatmap(ax, values, names, names, cmap="RdBu_r", limits=(-limit, limit), digits=0, label="z-score of contacts")
    ax.set_title("Neighbourhood enrichment")
    return ax


def domain_graph(adata: AnnData, *, key: str = "scrcl", ax: Axes | None = None) -> Axes:
    r"""Domains in tissue order: above the line what touches, below it what is alike in expression.

    An arc above is as wide as the contacts :math:`c_{ij} / \sqrt{b_i b_j}` of two domains, :math:`b_i` being all
    contacts of domain i with others; an arc below as their PAGA connectivity, after :func:`scrcl_graph.tl.paga`.
    In layered tissue the arcs above join neighbours.
    """
    found, order, names = _statistics(adata, key)
    contacts = found["contacts"][np.ix_(order, order)].astype(np.float64)
    np.fill_diagonal(contacts, 0.0)
    border = np.sqrt(np.maximum(contacts.sum(axis=1), 1.0))
    colour = colours(adata, str(found["groupby"]))
    ax = axes(ax, 1.5 + 0.7 * len(names), 4)
    highest = _arcs(ax, contacts / border / border[:, None], above=True)
    lowest, paga = 0.0, adata.uns.get(Keys(key).paga)
    if paga is not None and list(paga["domains"]) == list(found["domains"]):
        lowest = _arcs(ax, paga["connectivities"].toarray()[np.ix_(order, order)], above=False)
        ax.text(-0.6, -0.2, "alike (PAGA)", ha="right", va="top", fontsize=8)
    ax.text(-0.6, 0.2, "touch", ha="right", va="bottom", fontsize=8)
    ax.scatter(range(len(names)), np.zeros(len(names)), s=200, c=[colour.get(name, "0.8") for name in names], zorder=2)
    ax.set_xticks(range(len(names)), short(names), rotation=90 if max(map(len, names)) > 4 else 0)
    ax.set(
        xlim=(-2.2, len(names) - 0.4), ylim=(-lowest - 0.4, highest + 0.4), yticks=[], title="Domains in tissue order"
    )
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def confusion(adata: AnnData, *, key: str = "scrcl", annotation: str = "domain", ax: Axes | None = None) -> Axes:
    """Share of the cells of each annotated class (rows) in each cluster, ordered so that matches lie on the diagonal.

    ``annotation`` is a categorical column of ``obs``; cells without a value are left out.
    """
    summary(adata, key)
    classes = categories(adata, annotation)
    if not len(classes.cat.categories):
        raise InputError(f"obs['{annotation}'] has no value for any cell")
    counts = pd.crosstab(classes, adata.obs[key])
    rows, matched = linear_sum_assignment(-counts.to_numpy())
    order = [*matched[np.argsort(rows)], *sorted(set(range(counts.shape[1])) - set(matched))]
    share = counts.div(counts.sum(axis=1), axis=0).iloc[:, order]
    names = short(share.index)
    ax = axes(ax, 2.2 + 0.4 * share.shape[1] + 0.08 * max(map(len, names)), 1.8 + 0.35 * len(names))
    heatmap(
        ax, share.to_numpy(), names, share.columns, cmap="Blues", limits=(0, 1), digits=2, label="share of the class"
    )
    ax.set(xlabel=key, ylabel=annotation, title=f"{annotation} and {key}")
    return ax


def _statistics(adata: AnnData, key: str) -> tuple[dict[str, Any], NDArray[np.intp], list[str]]:
    """The statistics, the rows in tissue order, and their names in that order."""
    if Keys(key).domain_statistics not in adata.uns:
        raise InputError(f"there are no statistics under '{key}': run scrcl_graph.tl.domain_statistics first")
    found: dict[str, Any] = adata.uns[Keys(key).domain_statistics]
    names = [str(name) for name in found["tissue_order"]]
    order = pd.Index(found["domains"]).get_indexer(names)
    return found, order, names


def _arcs(ax: Axes, weights: NDArray[np.float64], *, above: bool) -> float:
    """Draw what is at least a fiftieth of the largest weight; how high the arcs rise."""
    share = np.triu(weights, 1) / max(float(weights.max()), np.finfo(float).tiny)
    pairs = np.argwhere(share > 0.02)
    start, colour = (0, "0.4") if above else (180, "C0")
    for i, j in pairs:
        middle, width = ((i + j) / 2, 0.0), _WIDEST * share[i, j]
        ax.add_patch(
            Arc(middle, j - i, j - i, theta1=start, theta2=start + 180, linewidth=width, color=colour, alpha=0.7)
        )
    return float((pairs[:, 1] - pairs[:, 0]).max()) / 2 if len(pairs) else 0.0
