"""The default clusterer: a tied-covariance mixture started from communities and from Ward's tree."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.mixture import GaussianMixture

from scrcl_graph._seeds import seeds
from scrcl_graph.cluster._base import Embedding, Labels, check_k, unit_rows
from scrcl_graph.cluster._gaussian import Points, SampledWard, ascend, complete, leading_components
from scrcl_graph.cluster.communities import N_NEIGHBORS, GroupGraph, n_groups
from scrcl_graph.gr.cells import cell_knn, neighbors_of_few

_FEWEST_COMPONENTS = 9
_SHRINKAGE = 0.1
_N_COMMUNITIES = 3


class CommunityMixture:
    """Tied-covariance Gaussian mixture (the model EEE of mclust) on leading principal components.

    The likelihood of a mixture has many optima, and the largest is often not the best partition: it cuts a type that
    is not round in two and joins two others. So EM starts from partitions of two kinds, Ward's tree and communities of
    the cell graph (found three times, as they depend on their seed), and of the optima it reaches the one is kept whose
    clusters are best described each by a Gaussian of its own shape (:func:`shape_likelihood`).

    Parameters
    ----------
    n_clusters
        k.
    random_state
        Seed; the same seed gives the same labels.
    """

    def __init__(self, n_clusters: int, *, random_state: int = 0) -> None:
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit_predict(self, X: Embedding) -> Labels:
        """Labels of the rows of ``X``."""
        check_k(self.n_clusters, len(X))
        k, seed = self.n_clusters, self.random_state
        points = leading_components(X, n_components(k), seed)
        labels: Labels = Mixtures(X, points, k, seed, n_communities=_N_COMMUNITIES).fit(k).predict(points)
        return labels.astype(np.int64)


def n_components(k: int) -> int:
    """How many principal components a mixture of k clusters is fitted on.

    The means of k clusters span k - 1 dimensions. In more of them EM gathers the cells that lie between the types, as
    those with few counts do, in a cluster of their own, and joins two types; with eight small types of pbmc3k are lost.
    """
    return max(_FEWEST_COMPONENTS, k - 1)


class Mixtures:
    """The mixtures of :class:`CommunityMixture` of several numbers of clusters, on the same cells.

    The graph and the tree they start from are made once.

    Parameters
    ----------
    X
        n x d: the embedding, whose graph has the communities.
    points
        n x c: its components, which the mixtures are fitted on.
    k_max
        Largest number of clusters.
    seed
        Of groups, communities and sample.
    n_communities
        How often communities are found, each time in other groups.
    """

    def __init__(self, X: Embedding, points: Points, k_max: int, seed: int, *, n_communities: int = 1) -> None:
        self._points = points
        self._seed = seed
        X = unit_rows(X)
        neighbors = cell_knn(X, neighbors_of_few(N_NEIGHBORS, len(X)), seed)
        groups = n_groups(len(X), k_max)
        with ThreadPoolExecutor() as pool:  # products of matrices, one core each
            graphs = pool.map(lambda own: GroupGraph(X, neighbors, groups, own), seeds(seed, n_communities))
            self._tree = SampledWard(points, k_max, seed)
            self._graphs = list(graphs)

    def fit(self, k: int) -> GaussianMixture:
        """The best of the optima."""
        starts = [*(graph.cut(k) for graph in self._graphs), self._tree.cut(k)]
        optima = [ascend(self._points, start, self._seed) for start in starts]
        labels = [mixture.predict(self._points) for mixture in optima]
        best = max(complete(labels, k), key=lambda i: shape_likelihood(self._points, labels[i]))
        return optima[best]


def shape_likelihood(points: Points, labels: Labels) -> float:
    r"""Mean log likelihood, up to a constant, of cells under a Gaussian for each cluster with its own covariance.

    .. math:: \frac 1 n \sum_c n_c \left( \log\frac{n_c}{n} - \tfrac12 \log\det S_c
              - \tfrac12 \mathrm{tr}(S_c^{-1} C_c) \right), \quad S_c = C_c + \tfrac1{10} \mathrm{diag}(\mathrm{var})

    with :math:`C_c` the covariance of cluster c and var the variances of all cells, which keep small clusters finite.

    Parameters
    ----------
    points
        n x d.
    labels
        Cluster of each point.
    """
    floor = _SHRINKAGE * np.diag(points.var(axis=0)) + 1e-12 * np.eye(points.shape[1])
    total = 0.0
    for cluster in np.unique(labels):
        own = points[labels == cluster]
        centred = own - own.mean(axis=0)
        covariance = centred.T @ centred / len(own)
        shape = covariance + floor
        fit = np.log(len(own) / len(points)) - np.linalg.slogdet(shape)[1] / 2
        total += len(own) * (fit - np.trace(np.linalg.solve(shape, covariance)) / 2)
    return float(total / len(points))
