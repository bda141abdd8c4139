"""Leiden communities of the kNN graph of an embedding, with the resolution searched for a wanted number."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from scrcl_graph._errors import missing_extra
from scrcl_graph.cluster._base import Embedding, Labels
from scrcl_graph.gr.cells import cell_knn


class Leiden:
    """Leiden (igraph, modularity) on the symmetric kNN graph; needs the extra ``leiden``.

    Parameters
    ----------
    n_clusters
        Communities wanted, found by bisection of the resolution; the nearest number met is used. None: one run at
        ``resolution``.
    resolution
        Used where ``n_clusters`` is None.
    n_neighbors
        Of the graph.
    random_state
        Seed; the same seed gives the same labels.
    """

    def __init__(
        self, n_clusters: int | None = None, *, resolution: float = 1.0, n_neighbors: int = 15, random_state: int = 0
    ) -> None:
        try:  # before anything is computed
            import igraph  # noqa: F401
        except ImportError as err:
            raise missing_extra("igraph", "leiden", "Leiden clustering") from err
        self.n_clusters = n_clusters
        self.resolution = resolution
        self.n_neighbors = n_neighbors
        self.random_state = random_state

    def fit_predict(self, X: Embedding) -> Labels:
        """Labels of the rows of ``X``."""
        graph = cell_knn(X, self.n_neighbors, self.random_state)
        if self.n_clusters is None:
            return self._communities(graph, self.resolution)
        low, high = 1e-3, 10.0
        best: Labels | None = None
        for _ in range(20):
            middle = (low * high) ** 0.5
            labels = self._communities(graph, middle)
            found = labels.max() + 1
            if best is None or abs(found - self.n_clusters) < abs(best.max() + 1 - self.n_clusters):
                best = labels
            if found == self.n_clusters:
                break
            low, high = (middle, high) if found < self.n_clusters else (low, middle)
        assert best is not None
        return best

    def _communities(self, graph: sp.csr_matrix, resolution: float) -> Labels:
        import random

        import igraph

        upper = sp.triu(graph).tocoo()
        network = igraph.Graph(n=graph.shape[0], edges=np.column_stack([upper.row, upper.col]))
        state = random.getstate()
        try:
            random.seed(self.random_state)  # igraph draws from Python's generator
            partition = network.community_leiden(
                objective_function="modularity", resolution=resolution, n_iterations=-1
            )
        finally:
            random.setstate(state)
        return np.asarray(partition.membership, dtype=np.int64)
