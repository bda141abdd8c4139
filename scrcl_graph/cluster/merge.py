"""Over-cluster, then merge: many small clusters joined along a tree."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from scrcl_graph.cluster._base import Embedding, Labels, check_k
from scrcl_graph.cluster.kmeans import SphericalKMeans


class MergedKMeans:
    """Spherical k-means into many small clusters, whose centres are merged by average linkage on the cosine distance.

    Unlike k-means it does not prefer clusters of equal size, so it suits unbalanced types.

    Parameters
    ----------
    n_clusters
        k.
    n_fine
        Small clusters; by default ``5 k``, at least 30 and at most a fifth of the cells.
    random_state
        Seed; the same seed gives the same labels.

    Attributes
    ----------
    tree_
        The merges, as :func:`scipy.cluster.hierarchy.linkage` returns them.
    """

    def __init__(self, n_clusters: int, *, n_fine: int | None = None, random_state: int = 0) -> None:
        self.n_clusters = n_clusters
        self.n_fine = n_fine
        self.random_state = random_state

    def fit_predict(self, X: Embedding) -> Labels:
        """Labels of the rows of ``X``."""
        k = self.n_clusters
        check_k(k, len(X))
        n_fine = self.n_fine or min(max(5 * k, 30), len(X) // 5)
        fine = SphericalKMeans(max(n_fine, k), n_init=5, random_state=self.random_state).fit(X)
        if len(fine.cluster_centers_) == 1:
            return fine.labels_
        self.tree_ = linkage(fine.cluster_centers_.astype(np.float64), method="average", metric="cosine")
        labels: Labels = (fcluster(self.tree_, k, criterion="maxclust") - 1)[fine.labels_].astype(np.int64)
        return labels
