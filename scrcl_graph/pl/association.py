"""Cell-gene association."""

from __future__ import annotations

import matplotlib.pyplot as plt
from anndata import AnnData
from matplotlib.axes import Axes

from scrcl_graph._keys import Keys
from scrcl_graph.pl._shared import axes
from scrcl_graph.get import associations


def association_heatmap(
    adata: AnnData, *, key: str = "scrcl", n_genes: int = 4, ax: Axes | None = None
) -> Axes:
    """Mean association score of each group's top genes in every group."""
    table = associations(adata, key=key)
    top = table.groupby("group", sort=False, observed=True)["gene"].head(n_genes)
    matrix = table.pivot_table(index="group", columns="gene", values="score", sort=False, observed=True)
    matrix = matrix[list(dict.fromkeys(top))]
    ax = axes(ax, 2.5 + 0.22 * matrix.shape[1], 1.8 + 0.25 * matrix.shape[0])
    limit = float(abs(matrix.to_numpy()).max())
    image = ax.imshow(matrix, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.set_xticks(range(matrix.shape[1]), matrix.columns, rotation=90, fontsize=7)
    ax.set_yticks(range(matrix.shape[0]), matrix.index)
    ax.set(ylabel=adata.uns[Keys(key).associations]["groupby"], title="Association, standard deviations")
    plt.colorbar(image, ax=ax, shrink=0.8)
    return ax
