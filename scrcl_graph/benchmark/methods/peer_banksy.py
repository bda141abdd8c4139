"""Peer: BANKSY (pybanksy) for domains, lambda .8, then a tied Gaussian mixture in place of its R mclust.

Its tutorial's settings: 15 neighbours, scaled Gaussian weights, the azimuthal filter of order 1, 20 principal
components. Needs an environment with pybanksy; nothing of scrcl_graph is imported.
"""

from __future__ import annotations

import numpy as np
import scanpy as sc
from anndata import AnnData
from numpy.typing import NDArray

PACKAGES = ("pybanksy", "scikit-learn")


def run(adata: AnnData, n_clusters: int | None, seed: int) -> NDArray[np.integer]:
    """Labels of the cells."""
    from banksy.embed_banksy import generate_banksy_matrix
    from banksy.initialize_banksy import initialize_banksy
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    if n_clusters is None:
        raise ValueError("a mixture needs the number of clusters")
    sc.pp.filter_genes(adata, min_cells=1)
    if np.array_equal(adata.X.data, np.round(adata.X.data)):
        sc.pp.normalize_total(adata)
        sc.pp.log1p(adata)
    if adata.n_vars > 2000:
        sc.pp.highly_variable_genes(adata, n_top_genes=2000)
        adata = adata[:, adata.var["highly_variable"].to_numpy()].copy()
    plots = {"plt_edge_hist": False, "plt_nbr_weights": False, "plt_agf_angles": False, "plt_theta": False}
    graphs = initialize_banksy(adata, ("x", "y", "spatial"), 15, "scaled_gaussian", 1, **plots)
    matrix = generate_banksy_matrix(adata, graphs, [0.8], 1, verbose=False)[1].X
    points = PCA(20, random_state=seed).fit_transform(np.nan_to_num(np.asarray(matrix)))
    mixture = GaussianMixture(n_clusters, covariance_type="tied", n_init=10, random_state=seed)
    labels: NDArray[np.integer] = mixture.fit_predict(points)
    return labels
