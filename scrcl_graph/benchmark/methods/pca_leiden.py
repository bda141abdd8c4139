"""Floor: principal components and Leiden, its resolution searched for the number of clusters or fixed."""

from __future__ import annotations

from anndata import AnnData
from numpy.typing import ArrayLike

from scrcl_graph.benchmark.methods._pca import principal_components
from scrcl_graph.cluster import Leiden

PACKAGES = ("scanpy", "igraph")


def run(adata: AnnData, n_clusters: int | None, seed: int, *, resolution: float | None = None) -> ArrayLike:
    """Labels of the cells; with a resolution, or without a number of clusters, at that resolution (or 1)."""
    principal_components(adata, seed)
    wanted = n_clusters if resolution is None else None
    return Leiden(wanted, resolution=resolution or 1.0, random_state=seed).fit_predict(adata.obsm["X_pca"])
