"""How training went, and how the number of clusters was chosen."""

from __future__ import annotations

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes

from scrcl_graph._adata.results import summary
from scrcl_graph._errors import InputError
from scrcl_graph.pl._shared import axes


def loss(adata: AnnData, *, key: str = "scrcl", ax: Axes | None = None) -> Axes:
    """Each objective per epoch, relative to its first value: the mean of the networks, thin lines for each of them."""
    history = summary(adata, key).get("history", {})
    if not any(len(values) for run in history.values() for values in run.values()):
        raise InputError(f"nothing was trained for '{key}', so there are no losses")
    ax = axes(ax)
    # a file keeps the keys of a dictionary in another order
    names = sorted(next(iter(history.values())), key=lambda name: (name != "total", name))
    for i, name in enumerate(names):
        shares = np.array([run[name] / run[name][0] for run in history.values()])
        for share in shares:
            ax.plot(share, color=f"C{i}", linewidth=0.6, alpha=0.4)
        ax.plot(shares.mean(axis=0), color=f"C{i}", linewidth=2, label=name)
    ax.set(xlabel="epoch", ylabel="share of the first value", yscale="log", title="Training")
    ax.legend(frameon=False)
    return ax


def k_curve(adata: AnnData, *, key: str = "scrcl", ax: Axes | None = None) -> Axes:
    """Overlap of the clusters of halves of the cells (± standard deviation over pairs of halves), and the gain.

    The chosen number of clusters has the largest gain (:class:`scrcl_graph.cluster.KSelection`); dotted are others that
    would be found again nearly as well.
    """
    run = summary(adata, key)
    if "k_selection" not in run:
        raise InputError(f"the number of clusters of '{key}' was given, so there is no curve")
    curve = run["k_selection"]
    ks, overlap = curve["ks"], curve["recovered"]
    reach = np.minimum(curve["spread"], [overlap, 1 - overlap])  # an overlap lies between 0 and 1
    ax = axes(ax)
    ax.errorbar(ks, overlap, reach, marker="o", markersize=3, capsize=2, color="0.6", label="overlap ± sd")
    ax.set(xlabel="number of clusters", ylabel="overlap with clusters of other halves", title="Choice of k")
    right = ax.twinx()
    (line,) = right.plot(ks, curve["gain"], marker="o", markersize=3, color="C0", label="gain")
    right.set_ylabel("gain", color="C0")
    chosen = ax.axvline(curve["k"], color="0.5", linestyle="--", label=f"chosen: {curve['k']}")
    others = [ax.axvline(k, color="0.5", linestyle=":", label=f"nearly as good: {k}") for k in curve["others"]]
    ax.legend(handles=[*ax.containers, line, chosen, *others], frameon=False)
    return ax
