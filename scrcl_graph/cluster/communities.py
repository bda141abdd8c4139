"""Communities of the cell graph of an embedding, at a wanted number, without anything but networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph.cluster._base import Embedding, Labels, check_k, members, unit_rows
from scrcl_graph.cluster.kmeans import SphericalKMeans
from scrcl_graph.gr.cells import cell_knn, neighbors_of_few

N_NEIGHBORS = 15
_MOST_GROUPS = 500
_CELLS_PER_GROUP = 5
_BISECTIONS = 14
_RESOLUTIONS = (0.01, 20.0)


class Communities:
    r"""Louvain communities (Blondel et al. 2008) of small groups of cells, linked as their cells are in the kNN graph.

    Spherical k-means makes groups of a few cells; two groups are linked by the number of kNN edges between them, so
    the modularity of a partition of the groups is that of the cells. The resolution is bisected for the wanted
    number; where only more communities are met, those whose union gains most modularity are joined.

    Parameters
    ----------
    n_clusters
        Communities wanted.
    n_neighbors
        Of the kNN graph; of few cells the root of their number.
    random_state
        Seed; the same seed gives the same labels.
    """

    def __init__(
        self,
        n_clusters: int,
        *,
        n_neighbors: int = N_NEIGHBORS,
        random_state: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_neighbors = n_neighbors
        self.random_state = random_state

    def fit_predict(self, X: Embedding) -> Labels:
        """Labels of the rows of ``X``."""
        check_k(self.n_clusters, len(X))
        X = unit_rows(X)
        neighbors = cell_knn(X, neighbors_of_few(self.n_neighbors, len(X)), self.random_state)
        graph = GroupGraph(X, neighbors, n_groups(len(X), self.n_clusters), self.random_state)
        return graph.cut(self.n_clusters)


def n_groups(n: int, k: int) -> int:
    """How many groups n cells are put in to find k communities."""
    return min(n, max(min(_MOST_GROUPS, n // _CELLS_PER_GROUP), 4 * k))


def louvain(graph: nx.Graph, *, resolution: float, seed: int) -> Labels:
    """Communities (Blondel et al. 2008) of a weighted graph with the nodes 0, ..., n - 1, as one label per node."""
    labels = np.empty(len(graph), dtype=np.int64)
    for i, community in enumerate(nx.community.louvain_communities(graph, resolution=resolution, seed=int(seed))):
        labels[list(community)] = i
    return labels


class GroupGraph:
    """Small groups of cells, and the partitions of their graph. Those found once are kept, so many k cost little more.

    Parameters
    ----------
    X
        n x d, rows of unit length.
    neighbors
        kNN graph of the cells (:func:`scrcl_graph.gr.cell_knn`).
    n_groups
        Groups.
    seed
        Of groups and communities.

    Attributes
    ----------
    group
        Group of each cell.
    """

    def __init__(self, X: Embedding, neighbors: sp.csr_matrix, n_groups: int, seed: int) -> None:
        self.group = SphericalKMeans(n_groups, n_init=1, max_iter=30, random_state=seed).fit_predict(X)
        member = members(self.group, n_groups)
        self._links = sp.csr_matrix(member.T @ neighbors @ member)
        twice = sp.diags_array(self._links.diagonal() / 2)  # a group's own edges; networkx wants them once
        self._graph = nx.from_scipy_sparse_array(sp.csr_matrix(self._links - twice))
        self._seed = seed
        self._found: dict[float, Labels] = {}

    def communities(self, resolution: float) -> Labels:
        """The community of each group."""
        if resolution not in self._found:
            self._found[resolution] = louvain(self._graph, resolution=resolution, seed=self._seed)
        return self._found[resolution]

    def at_least(self, k: int) -> tuple[Labels, float]:
        """The partition of the groups with the fewest communities that has at least k, and its resolution."""
        low, high = _RESOLUTIONS
        best, at = np.arange(self._links.shape[0]), high
        for _ in range(_BISECTIONS):
            middle = (low * high) ** 0.5
            labels = self.communities(middle)
            n = labels.max() + 1
            if k <= n < best.max() + 1:
                best, at = labels, middle
            if n == k:
                break
            low, high = (middle, high) if n < k else (low, middle)
        return best, at

    def cut(self, k: int) -> Labels:
        """Communities of the cells, k of them."""
        found, resolution = self.at_least(k)
        return _join(self._links, found, k, resolution)[self.group]


def _join(links: sp.csr_matrix, labels: Labels, k: int, resolution: float) -> Labels:
    """Join pairs of communities, the largest gain of modularity first, until k are left."""
    while (n := int(labels.max()) + 1) > k:
        member = members(labels, n)
        between: NDArray[np.float64] = (member.T @ links @ member).toarray()
        degree, total = between.sum(axis=1), between.sum()
        gain = between / total - resolution * np.outer(degree, degree) / total**2
        gain[np.tril_indices(n)] = -np.inf
        first, second = np.unravel_index(gain.argmax(), gain.shape)
        labels = np.where(labels == second, first, labels)
        labels = np.unique(labels, return_inverse=True)[1]
    return labels
