"""The clusterer of the preset ``spatial``: a Gaussian mixture started from connected regions of the tissue."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import ward_tree

from scrcl_graph.cluster._base import Embedding, Labels, check_k, members
from scrcl_graph.cluster._gaussian import Points, SampledWard, ascend, complete, leading_components

_REGIONS = (1, 3, 10)  # per cluster, in each start


class RegionMixture:
    """Tied-covariance Gaussian mixture on principal components, started from regions of cells that touch.

    Cells are merged with cells they touch by Ward's criterion until 1, 3 or 10 regions per cluster are left (in tissue
    of several pieces as many in each). Ward's tree of all cells, each at the mean of its region, then joins regions
    wherever they lie, since a domain may be in several places. From each of the three partitions EM goes up to an
    optimum, and the likeliest is kept. Of tissue the starts tell more than the likelihood does: among many k-means
    starts the likeliest optimum is often not the best. Regions are found in the coordinates, where there are such: a
    trained embedding spreads out a domain that holds most of the tissue, and its regions cut it up (docs/tried.md).

    Parameters
    ----------
    n_clusters
        k.
    n_components
        Principal components the mixture is fitted on.
    connectivity
        Which cells touch, cells x cells, symmetric; None where each touches all others: the start is Ward's tree then.
    coordinates
        n x d: where regions are found; None: in the embedding.
    random_state
        Of the cells in Ward's tree, where there are more than 2,000; the same seed gives the same labels.
    """

    def __init__(
        self,
        n_clusters: int,
        *,
        n_components: int = 15,
        connectivity: sp.csr_matrix | None = None,
        coordinates: Embedding | None = None,
        random_state: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.connectivity = connectivity
        self.coordinates = coordinates
        self.random_state = random_state

    def fit_predict(self, X: Embedding) -> Labels:
        """Labels of the rows of ``X``."""
        k, seed = self.n_clusters, self.random_state
        check_k(k, len(X))
        points = leading_components(X, self.n_components, seed)
        places = points if self.coordinates is None else leading_components(self.coordinates, self.n_components, seed)
        means = [places]
        if self.connectivity is not None:
            regions = Regions(places, self.connectivity)
            means = [_means(places, regions.cut(round(each * k * regions.n_pieces))) for each in _REGIONS]
        starts = [SampledWard(place, k, seed).cut(k) for place in means]
        optima = [ascend(points, start, seed) for start in starts]
        labels: list[Labels] = [mixture.predict(points).astype(np.int64) for mixture in optima]
        return labels[max(complete(labels, k), key=lambda i: optima[i].lower_bound_)]


class Regions:
    """Ward's trees of cells that touch, one for each connected piece of the tissue, cut at one height.

    Parameters
    ----------
    points
        n x d.
    connectivity
        n x n, symmetric; its stored entries are the pairs that touch.

    Attributes
    ----------
    n_pieces
        Effective number of pieces, the inverse of the chance that two cells are of the same one: single cells without
        a neighbour hardly count.
    """

    def __init__(self, points: Points, connectivity: sp.csr_matrix) -> None:
        self._n_cells = len(points)
        _, piece = connected_components(connectivity, directed=False)
        sizes = np.bincount(piece)
        self.n_pieces = 1 / float(((sizes / len(points)) ** 2).sum())
        pairs, heights = [np.empty((0, 2), dtype=np.intp)], [np.empty(0)]
        for cells in np.split(np.argsort(piece, kind="stable"), np.cumsum(sizes)[:-1]):
            if len(cells) == 1:
                continue
            own = connectivity[cells][:, cells]
            children, _, _, _, height = ward_tree(points[cells], connectivity=own, return_distance=True)
            member = np.concatenate([cells, np.empty(len(children), dtype=np.intp)])  # one cell of each node
            for node, (left, _) in enumerate(children, start=len(cells)):
                member[node] = member[left]
            pairs.append(member[children])
            heights.append(np.maximum.accumulate(height))  # a merge may be lower than those it needs
        order = np.argsort(np.concatenate(heights), kind="stable")
        self._merges = np.concatenate(pairs)[order]

    def cut(self, n_regions: int) -> Labels:
        """The region of each cell, 0, 1, ...; as many as wanted, or as there are pieces where these are more."""
        merges = self._merges[: max(0, self._n_cells - n_regions)]
        joined = sp.coo_matrix((np.ones(len(merges)), merges.T), shape=(self._n_cells, self._n_cells))
        labels: Labels = connected_components(joined, directed=False)[1].astype(np.int64)
        return labels


def _means(points: Points, regions: Labels) -> Points:
    """Each point moved to the mean of its region."""
    means: Points = members(regions, int(regions.max()) + 1).T @ points / np.bincount(regions)[:, None]
    return means[regions]
