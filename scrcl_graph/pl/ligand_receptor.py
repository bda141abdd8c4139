"""Ligand-receptor pairs between groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

from scrcl_graph import get
from scrcl_graph._errors import InputError
from scrcl_graph.pl._shared import dots


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

    A ring marks a false discovery rate of at most ``max_padj``; the title says how many of these calls are shown.
    ``source`` and ``target`` restrict the groups.
    """
    table = get.ligand_receptor(adata, source=source, target=target, key=key)
    table["pair"] = table["ligand"] + " → " + table["receptor"]
    contact = table["source"].astype(str) + " → " + table["target"].astype(str)
    in_order = table.assign(contact=contact).sort_values(["source", "target"])["contact"].unique()
    table["contact"] = pd.Categorical(contact, in_order)
    called = table[table["padj"] <= max_padj]
    if called.empty:
        raise InputError(f"no ligand-receptor pair is called at a false discovery rate of {max_padj:.0%}")
    pairs, contacts = _clearest(called, n_pairs, n_contacts)
    shown = table[table["pair"].isin(pairs) & table["contact"].isin(contacts)]
    largest, ring = float(shown["score"].max()), (shown["padj"] <= max_padj).to_numpy()
    ax = dots(
        ax,
        (contacts.get_indexer(shown["contact"]), pairs.get_indexer(shown["pair"])),
        contacts,
        pairs,
        effect=shown["effect"].to_numpy(),
        ring=ring,
        ring_label=f"FDR ≤ {max_padj:.0%}",
        share=shown["score"].to_numpy() / largest,
        sizes={f"{share * largest:.2g}": share for share in (0.1, 0.5, 1.0)},
        sizes_title="score",
    )
    ax.set_title(f"Ligand → receptor, sender → receiver ({ring.sum():,} of {len(called):,} calls)")
    return ax


def _clearest(called: pd.DataFrame, n_pairs: int, n_contacts: int) -> tuple[pd.Index, pd.Index]:
    """Pairs and contacts of the first calls that fit: each pair has one in a contact that is shown."""
    pairs: dict[str, None] = {}
    contacts: dict[str, None] = {}
    for pair, contact in zip(called["pair"], called["contact"], strict=True):
        if (pair in pairs or len(pairs) < n_pairs) and (contact in contacts or len(contacts) < n_contacts):
            pairs[pair] = contacts[contact] = None
    shown = np.array([one for one in called["contact"].cat.categories if one in contacts], dtype=object)
    return pd.Index(list(pairs)), pd.Index(shown)
