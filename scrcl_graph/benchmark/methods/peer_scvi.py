"""Peer: scVI (scvi-tools) with its own defaults, then k-means or Leiden on its latent space.

Needs an environment with scvi-tools (and igraph for Leiden); nothing of scrcl_graph is imported.
"""

from __future__ import annotations

import random

import numpy as np
import scanpy as sc
from anndata import AnnData
from numpy.typing import NDArray

PACKAGES = ("scvi-tools", "torch")


def run(adata: AnnData, n_clusters: int | None, seed: int, *, clusterer: str) -> NDArray[np.integer]:
    """Labels of the cells."""
    import scvi

    values = adata.X.data
    if not np.array_equal(values, np.round(values)):
        raise ValueError("scVI needs raw counts")
    sc.pp.filter_genes(adata, min_cells=1)
    if adata.n_vars > 2000:
        normalised = sc.pp.log1p(sc.pp.normalize_total(adata, target_sum=1e4, copy=True), copy=True)
        sc.pp.highly_variable_genes(normalised, n_top_genes=2000)
        adata = adata[:, normalised.var["highly_variable"].to_numpy()].copy()
    scvi.settings.seed = seed
    scvi.model.SCVI.setup_anndata(adata)
    model = scvi.model.SCVI(adata)
    model.train(accelerator="cpu", enable_progress_bar=False, logger=None)
    latent = model.get_latent_representation()
    if clusterer == "leiden":
        return _leiden(latent, n_clusters, seed)
    if n_clusters is None:
        raise ValueError("k-means needs the number of clusters")
    from sklearn.cluster import KMeans

    labels: NDArray[np.integer] = KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(latent)
    return labels


def _leiden(latent: NDArray[np.floating], n_clusters: int | None, seed: int) -> NDArray[np.integer]:
    import igraph
    from sklearn.neighbors import kneighbors_graph

    graph = kneighbors_graph(latent, 15).tocoo()
    network = igraph.Graph(len(latent), np.column_stack([graph.row, graph.col])).simplify()

    def communities(resolution: float) -> NDArray[np.integer]:
        random.seed(seed)  # igraph draws from Python's generator
        found = network.community_leiden(objective_function="modularity", resolution=resolution, n_iterations=-1)
        return np.asarray(found.membership)

    if n_clusters is None:
        return communities(1.0)
    low, high, best = 1e-3, 10.0, communities(1.0)
    for _ in range(20):
        labels = communities((low * high) ** 0.5)
        if abs(labels.max() + 1 - n_clusters) < abs(best.max() + 1 - n_clusters):
            best = labels
        if labels.max() + 1 == n_clusters:
            break
        low, high = ((low * high) ** 0.5, high) if labels.max() + 1 < n_clusters else (low, (low * high) ** 0.5)
    return best
