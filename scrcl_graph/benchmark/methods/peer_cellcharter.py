"""Peer: CellCharter on 10 principal components.

Triangulation without long links, three layers of neighbours, its mixture of full covariances. Its tutorials take scVI
or another embedding as input; principal components are the cheapest it accepts. Needs an environment with cellcharter;
nothing of scrcl_graph is imported.
"""

from __future__ import annotations

import numpy as np
import scanpy as sc
from anndata import AnnData
from numpy.typing import NDArray

PACKAGES = ("cellcharter", "squidpy", "torch")


def run(adata: AnnData, n_clusters: int | None, seed: int) -> NDArray[np.integer]:
    """Labels of the cells."""
    import cellcharter as cc
    import squidpy as sq

    if n_clusters is None:
        raise ValueError("a mixture needs the number of clusters")
    sc.pp.filter_genes(adata, min_cells=1)
    if np.array_equal(adata.X.data, np.round(adata.X.data)):
        sc.pp.normalize_total(adata)
        sc.pp.log1p(adata)
    if adata.n_vars > 2000:
        sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    sc.pp.pca(adata, n_comps=10, random_state=seed)
    sq.gr.spatial_neighbors(adata, coord_type="generic", delaunay=True)
    cc.gr.remove_long_links(adata)
    cc.gr.aggregate_neighbors(adata, n_layers=3, use_rep="X_pca")
    model = cc.tl.Cluster(n_clusters, random_state=seed, trainer_params={"accelerator": "cpu"})
    model.fit(adata, use_rep="X_cellcharter")
    labels: NDArray[np.integer] = np.asarray(model.predict(adata, use_rep="X_cellcharter"))
    return labels
