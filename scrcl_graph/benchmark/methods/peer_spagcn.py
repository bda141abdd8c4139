"""Peer: SpaGCN without histology, its k-means start for a given number of domains, 200 epochs, no refinement of labels.

Its default neighbourhood (p = .5), searched with positions in units of the median distance to the nearest cell. It
makes a dense matrix of all pairs of cells. Needs an environment with SpaGCN; nothing of scrcl_graph is imported.
"""

from __future__ import annotations

import random

import numpy as np
import scanpy as sc
from anndata import AnnData
from numpy.typing import NDArray

PACKAGES = ("SpaGCN", "torch")


def run(adata: AnnData, n_clusters: int | None, seed: int) -> NDArray[np.integer]:
    """Labels of the cells."""
    import SpaGCN
    import torch
    from sklearn.neighbors import NearestNeighbors

    if n_clusters is None:
        raise ValueError("the start by k-means needs the number of clusters")
    sc.pp.filter_genes(adata, min_cells=3)
    if np.array_equal(adata.X.data, np.round(adata.X.data)):
        sc.pp.normalize_total(adata)
        sc.pp.log1p(adata)
    adata.X = adata.X.toarray()  # it asks sparse matrices for an attribute they no longer have
    xy = adata.obsm["spatial"]
    xy = xy / np.median(NearestNeighbors(n_neighbors=1).fit(xy).kneighbors()[0])
    distances = SpaGCN.calculate_adj_matrix(x=xy[:, 0], y=xy[:, 1], histology=False)
    model = SpaGCN.SpaGCN()
    model.set_l(SpaGCN.search_l(0.5, distances))
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what SpaGCN draws from
    torch.manual_seed(seed)
    model.train(
        adata,
        distances,
        num_pcs=min(50, min(adata.shape) - 1),
        init="kmeans",
        n_clusters=n_clusters,
        tol=5e-3,
        lr=0.05,
        max_epochs=200,
    )
    labels: NDArray[np.integer] = model.predict()[0]
    return labels
