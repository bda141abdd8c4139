"""Gene modules."""

from __future__ import annotations

from anndata import AnnData
from matplotlib.axes import Axes

from scrcl_graph import get
from scrcl_graph.pl._shared import signed_heatmap


def module_heatmap(
    adata: AnnData, *, key: str = "scrcl", groupby: str | None = None, n_genes: int = 3, ax: Axes | None = None
) -> Axes:
    """Mean score of each module in each group, with the genes that fit the module best."""
    scores = get.module_scores(adata, key=key, groupby=groupby)
    genes = get.modules(adata, key=key).groupby("module", observed=True)["gene"]
    scores.index = [f"{name}: {', '.join(genes.get_group(name).head(n_genes))}" for name in scores.index]
    return signed_heatmap(scores, ax, "module", f"Module score by {groupby or key}")
