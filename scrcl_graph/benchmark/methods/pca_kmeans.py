"""Floor: principal components and k-means."""

from __future__ import annotations

from anndata import AnnData
from numpy.typing import ArrayLike
from sklearn.cluster import KMeans

from scrcl_graph.benchmark.methods._pca import principal_components

PACKAGES = ("scanpy", "scikit-learn")


def run(adata: AnnData, n_clusters: int | None, seed: int, *, scale: bool = False) -> ArrayLike:
    """Labels of the cells."""
    if n_clusters is None:
        raise ValueError("k-means needs the number of clusters")
    principal_components(adata, seed, scale=scale)
    labels: ArrayLike = KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(adata.obsm["X_pca"])
    return labels
