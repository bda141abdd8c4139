"""How training went, and how the number of clusters was chosen."""

from __future__ import annotations

from anndata import AnnData
from matplotlib.axes import Axes

from scrcl_graph._errors import InputError
from scrcl_graph.pl._shared import axes, results


def loss(adata: AnnData, *, key: str = "scrcl", ax: Axes | None = None) -> Axes:
    """Each objective per epoch, relative to its first value; four line styles, one run after the other."""
    history = results(adata, key).get("history", {})
    if not any(len(values) for run in history.values() for values in run.values()):
        raise InputError(f"nothing was trained for '{key}', so there are no losses")
    ax = axes(ax)
    names = list(next(iter(history.values())))
    for style, run in zip(("-", "--", ":", "-.") * len(history), history.values(), strict=False):
        for i, name in enumerate(names):
            label = name if run is next(iter(history.values())) else None
            ax.plot(run[name] / run[name][0], style, color=f"C{i}", label=label)
    ax.set(xlabel="epoch", ylabel="share of the first value", yscale="log", title="Training")
    ax.legend(frameon=False)
    return ax


def k_curve(adata: AnnData, *, key: str = "scrcl", ax: Axes | None = None) -> Axes:
    """Overlap of the clusters of halves of the cells, and the gain the number of clusters was chosen by."""
    summary = results(adata, key)
    if "k_selection" not in summary:
        raise InputError(f"the number of clusters of '{key}' was given, so there is no curve")
    curve = summary["k_selection"]
    ax = axes(ax)
    ax.errorbar(curve["ks"], curve["recovered"], curve["spread"], marker="o", markersize=3, capsize=2, color="0.6")
    ax.set(xlabel="number of clusters", ylabel="overlap with clusters of other halves", title="Choice of k")
    right = ax.twinx()
    right.plot(curve["ks"], curve["gain"], marker="o", markersize=3, color="C0")
    right.set_ylabel("gain", color="C0")
    ax.axvline(curve["k"], color="0.5", linestyle="--", label=f"chosen: {curve['k']}")
    ax.legend(frameon=False)
    return ax
