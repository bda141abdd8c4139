"""Ligand-receptor pairs between groups."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes

from scrcl_graph import get
from scrcl_graph._errors import InputError
from scrcl_graph.pl._shared import axes, colour_limit


def ligand_receptor_dotplot(
    adata: AnnData,
    *,
    source: str | None = None,
    target: str | None = None,
    n_pairs: int = 12,
    n_contacts: int = 20,
    max_padj: float = 0.05,
    key: str = "scrcl",
    ax: Axes | None = None,
) -> Axes:
    """Effect (colour) and score (area) of the clearest pairs, in the groups where they are found.

    A ring marks a false discovery rate of at most ``max_padj``. ``source`` and ``target`` restrict the groups.
    """
    table = get.ligand_receptor(adata, source=source, target=target, key=key)
    table["pair"] = table["ligand"] + " → " + table["receptor"]
    table["groups"] = table["source"].astype(str) + " → " + table["target"].astype(str)
    called = table[table["padj"] <= max_padj]
    if called.empty:
        raise InputError(f"no ligand-receptor pair is called at a false discovery rate of {max_padj:.0%}")
    pairs = list(dict.fromkeys(called["pair"]))[:n_pairs]
    contacts = sorted(list(dict.fromkeys(called["groups"][called["pair"].isin(pairs)]))[:n_contacts])
    shown = table[table["pair"].isin(pairs) & table["groups"].isin(contacts)]
    ax = axes(ax, 4.5 + 0.28 * len(contacts), 2.0 + 0.28 * len(pairs))

    largest = float(shown["score"].max())
    x, y = (
        shown[name].map({one: i for i, one in enumerate(names)})
        for name, names in (("groups", contacts), ("pair", pairs))
    )
    ring = np.where(shown["padj"] <= max_padj, "black", "none")
    limit = colour_limit(shown[["effect"]])
    dots = ax.scatter(
        x, y, s=120 * shown["score"] / largest, c=shown["effect"], cmap="RdBu_r", vmin=-limit, vmax=limit,
        edgecolors=ring, linewidths=0.6,
    )  # fmt: skip
    ax.set_xticks(range(len(contacts)), contacts, rotation=90, fontsize=8)
    ax.set_yticks(range(len(pairs)), pairs, fontsize=8)
    ax.set(
        xlim=(-0.6, len(contacts) - 0.4), ylim=(len(pairs) - 0.4, -0.6), title="Ligand → receptor, sender → receiver"
    )
    plt.colorbar(dots, ax=ax, shrink=0.6, extend="both", location="bottom", label="effect, standard deviations")
    for share in (0.1, 0.5, 1.0):
        ax.scatter([], [], s=120 * share, c="0.6", label=f"{share * largest:.2g}")
    ax.legend(title="score", frameon=False, loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    return ax
