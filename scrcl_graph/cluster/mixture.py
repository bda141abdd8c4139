"""Gaussian mixture with one covariance for all components, the model EEE of mclust."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from scrcl_graph.cluster._base import Embedding, Labels, by_size, check_k
from scrcl_graph.cluster._gaussian import ascend, leading_components

_TRIAL_CELLS = 10_000


class TiedMixture:
    """Tied-covariance Gaussian mixture on leading principal components, the likeliest of many k-means starts.

    Parameters
    ----------
    n_clusters
        k.
    n_components
        Principal components the mixture is fitted on.
    n_init
        Number of starts, tried on at most 10,000 random points.
    random_state
        Seed; the same seed gives the same labels.
    """

    def __init__(self, n_clusters: int, *, n_components: int = 15, n_init: int = 30, random_state: int = 0) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.n_init = n_init
        self.random_state = random_state

    def fit_predict(self, X: Embedding) -> Labels:
        """Labels of the rows of ``X``."""
        k = self.n_clusters
        check_k(k, len(X))
        points = leading_components(X, self.n_components, self.random_state)
        rng = np.random.default_rng(self.random_state)
        seeds = rng.integers(2**31, size=self.n_init)
        sample = points if len(points) <= _TRIAL_CELLS else points[rng.choice(len(points), _TRIAL_CELLS, replace=False)]
        starts = (KMeans(k, n_init=1, random_state=int(seed)).fit_predict(sample) for seed in seeds)
        trials = [ascend(sample, start.astype(np.int64), self.random_state) for start in starts]
        best = max(trials, key=lambda mixture: mixture.lower_bound_)
        labels: Labels = best.predict(points).astype(np.int64)
        if len(sample) < len(points):
            labels = ascend(points, by_size(labels), self.random_state).predict(points).astype(np.int64)
        return labels
