"""What the mixture and the choice of its number of clusters share: coordinates, Ward's tree, EM from a partition."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from sklearn.mixture import GaussianMixture

from scrcl_graph.cluster._base import Embedding, Labels

Points = NDArray[np.float64]

_TREE = 2000


def leading_components(X: Embedding, n_components: int, seed: int) -> Points:
    """Principal components of an embedding, n x d float64."""
    points: Points = PCA(min(n_components, *X.shape), random_state=seed).fit_transform(np.asarray(X, dtype=np.float64))
    return points


class SampledWard:
    """Ward's tree of at most 2,000 random cells; the other cells join the nearest mean.

    Parameters
    ----------
    points
        n x d.
    k_max
        Largest number of clusters; the tree has at least twice as many cells.
    seed
        Of the cells in the tree.
    """

    def __init__(self, points: Points, k_max: int, seed: int) -> None:
        self._points = points
        n_cells = max(_TREE, 2 * k_max)
        self._sample = points[np.random.default_rng(seed).permutation(len(points))[:n_cells]]
        self._tree = linkage(self._sample, method="ward")

    def cut(self, k: int) -> Labels:
        """Clusters of all cells, k of them (fewer where cells coincide)."""
        cut = fcluster(self._tree, k, criterion="maxclust") - 1
        means = np.stack([self._sample[cut == i].mean(axis=0) for i in range(cut.max() + 1)])
        labels: Labels = pairwise_distances_argmin(self._points, means).astype(np.int64)
        return np.unique(labels, return_inverse=True)[1]


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


def complete(partitions: Sequence[Labels], k: int) -> list[int]:
    """Which of them have k clusters; all, where none has."""
    whole = [i for i, labels in enumerate(partitions) if len(np.unique(labels)) == k]
    return whole or list(range(len(partitions)))
