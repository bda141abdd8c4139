"""The common start of the floors: scanpy's normalisation, 2,000 variable genes, 50 principal components."""

from __future__ import annotations

import scanpy as sc
from anndata import AnnData

from scrcl_graph import _preprocess as pre


def principal_components(adata: AnnData, seed: int, *, scale: bool = False) -> None:
    """Set ``obsm["X_pca"]``; only variable genes are kept, with ``scale`` z-scored and clipped at 10."""
    if pre.detect_state(pre.as_csr(adata.X)) == "counts":
        sc.pp.normalize_total(adata, target_sum=1e4)
        sc.pp.log1p(adata)
    if adata.n_vars > 2000:
        sc.pp.highly_variable_genes(adata, n_top_genes=2000)
        adata._inplace_subset_var(adata.var["highly_variable"].to_numpy())
    if scale:
        sc.pp.scale(adata, max_value=10)
    sc.pp.pca(adata, n_comps=min(50, min(adata.shape) - 1), random_state=seed)
