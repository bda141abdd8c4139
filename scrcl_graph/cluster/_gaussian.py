"""What the mixture and the choice of its number of clusters share: coordinates, Ward's tree, EM from a partition."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from scrcl_graph.cluster._base import Embedding, Labels

Points = NDArray[np.float64]


def leading_components(X: Embedding, n_components: int, seed: int) -> Points:
    """Principal components of an embedding, n x d float64."""
    points: Points = PCA(min(n_components, *X.shape), random_state=seed).fit_transform(np.asarray(X, dtype=np.float64))
    return points


class WardTree:
    """Ward's tree of some of the points, cut at any number."""

    def __init__(self, points: Points) -> None:
        self._tree = linkage(points, method="ward")

    def cut(self, k: int) -> Labels:
        """Labels 0, ..., k - 1 of the points of the tree (fewer where points coincide)."""
        labels: Labels = fcluster(self._tree, k, criterion="maxclust").astype(np.int64) - 1
        return labels


def ascend(points: Points, start: Labels, seed: int) -> GaussianMixture:
    """The optimum of the likelihood of a tied-covariance mixture that EM reaches from a partition 0, ..., k - 1."""
    k = int(start.max()) + 1
    member = np.eye(k)[start]
    size = member.sum(axis=0)
    means = (member.T @ points) / size[:, None]
    centred = points - means[start]
    ridge = 1e-4 * float(points.var()) + 1e-12
    covariance = centred.T @ centred / len(points) + ridge * np.eye(points.shape[1])
    mixture = GaussianMixture(
        k,
        covariance_type="tied",
        weights_init=size / size.sum(),
        means_init=means,
        precisions_init=np.linalg.inv(covariance),
        reg_covar=ridge,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # where it got to is used, converged or not
        return mixture.fit(points)
