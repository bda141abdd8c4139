"""Peer: GraphST with its own defaults, then a tied Gaussian mixture of 20 components in place of its R mclust.

Its preparation, with all genes where there are no more than the 3,000 it would choose. It makes dense matrices of all
pairs of cells. Needs an environment with GraphST, POT and scikit-misc; nothing of scrcl_graph is imported.
"""

from __future__ import annotations

import numpy as np
import scanpy as sc
from anndata import AnnData
from numpy.typing import NDArray

PACKAGES = ("GraphST", "torch", "scikit-learn")


def run(adata: AnnData, n_clusters: int | None, seed: int) -> NDArray[np.integer]:
    """Labels of the cells."""
    from GraphST.GraphST import GraphST
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    if n_clusters is None:
        raise ValueError("a mixture needs the number of clusters")
    counts = np.array_equal(adata.X.data, np.round(adata.X.data))
    sc.pp.filter_genes(adata, min_cells=1)
    if counts and adata.n_vars > 3000:
        sc.pp.highly_variable_genes(adata, flavor="seurat_v3", n_top_genes=3000)
        adata = adata[:, adata.var["highly_variable"].to_numpy()].copy()
    adata.var["highly_variable"] = True
    if counts:
        sc.pp.normalize_total(adata, target_sum=1e4)
        sc.pp.log1p(adata)
    sc.pp.scale(adata, zero_center=False, max_value=10)
    embedding = GraphST(adata, random_seed=seed).train().obsm["emb"]
    points = PCA(min(20, embedding.shape[1]), random_state=seed).fit_transform(embedding)
    mixture = GaussianMixture(n_clusters, covariance_type="tied", n_init=10, random_state=seed)
    labels: NDArray[np.integer] = mixture.fit_predict(points)
    return labels
