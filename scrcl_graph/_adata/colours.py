"""One colour per category, the one that scanpy's plots take too."""

from __future__ import annotations

import matplotlib as mpl
from anndata import AnnData

from scrcl_graph._adata.parts import all_categories


def palette(n: int) -> list[str]:
    """The first n colours of matplotlib's tab20 (its dark ones first), tab20b and tab20c, again after 60; as hex."""
    shades = [mpl.color_sequences[name] for name in ("tab20", "tab20b", "tab20c")]
    ordered = [*shades[0][::2], *shades[0][1::2], *shades[1], *shades[2]]
    return [mpl.colors.to_hex(ordered[i % len(ordered)]) for i in range(n)]


def colours(adata: AnnData, name: str) -> dict[str, str]:
    """Colour of each category of ``obs[name]``, as hex: the first of ``uns[name + "_colors"]`` if enough."""
    categories = all_categories(adata, name).cat.categories
    try:
        chosen = [mpl.colors.to_hex(one) for one in adata.uns.get(f"{name}_colors", [])]
    except (TypeError, ValueError):  # something else of the user's
        chosen = []
    return dict(zip(categories, chosen if len(chosen) >= len(categories) else palette(len(categories)), strict=False))
