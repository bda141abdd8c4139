"""Methods under test: each takes an AnnData without any annotation, the number of clusters and a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

Method = Callable[[AnnData, int, int], NDArray[np.int64]]


def pca_kmeans(adata: AnnData, k: int, seed: int) -> NDArray[np.int64]:
    """The floor: scanpy's normalisation, 2,000 variable genes, 50 components, k-means."""
    import scanpy as sc
    from sklearn.cluster import KMeans

    from scrcl_graph import _preprocess as pre

    if pre.detect_state(pre.as_csr(adata.X)) == "counts":
        sc.pp.normalize_total(adata, target_sum=1e4)
        sc.pp.log1p(adata)
    if adata.n_vars > 2000:
        sc.pp.highly_variable_genes(adata, n_top_genes=2000, subset=True)
    sc.pp.pca(adata, n_comps=min(50, min(adata.shape) - 1), random_state=seed)
    labels: NDArray[np.int64] = KMeans(k, n_init=10, random_state=seed).fit_predict(adata.obsm["X_pca"])
    return labels


def _preset(name: str) -> Method:
    def run(adata: AnnData, k: int, seed: int) -> NDArray[np.int64]:
        from scrcl_graph import tl

        tl.refine(adata, n_clusters=k, preset=name, random_state=seed)
        labels: NDArray[np.int64] = adata.obs["scrcl"].cat.codes.to_numpy()
        return labels

    return run


METHODS: dict[str, Method] = {"pca_kmeans": pca_kmeans} | {
    name: _preset(name) for name in ("default", "spatial", "paper")
}
