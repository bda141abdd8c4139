"""Floor for tissue: principal components averaged over six spatial neighbours, and k-means or a Gaussian mixture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from anndata import AnnData
from numpy.typing import ArrayLike
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from scrcl_graph import gr
from scrcl_graph.benchmark.methods._pca import principal_components

PACKAGES = ("scanpy", "scikit-learn", "squidpy")


def run(
    adata: AnnData,
    n_clusters: int | None,
    seed: int,
    *,
    steps: Sequence[int],
    scale: bool = False,
    mixture: bool = False,
) -> ArrayLike:
    """Labels of the cells; several steps are joined, each with the same total variance, in 10 components."""
    if n_clusters is None:
        raise ValueError("this floor needs the number of clusters")
    principal_components(adata, seed, scale=scale)
    adjacency = gr.spatial_neighbors(adata.obsm["spatial"])
    points = gr.fit_scales(adata.obsm["X_pca"], adjacency, steps).transform(adata.obsm["X_pca"], adjacency)
    points = PCA(min(10, *points.shape), random_state=seed).fit_transform(points.astype(np.float64))
    if not mixture:
        labels: ArrayLike = KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(points)
        return labels
    ridge = 1e-4 * float(points.var())
    model = GaussianMixture(n_clusters, covariance_type="tied", n_init=10, reg_covar=ridge, random_state=seed)
    return np.asarray(model.fit_predict(points))
