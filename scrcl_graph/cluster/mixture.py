"""Gaussian mixture with one covariance for all components, the model EEE of mclust."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from scrcl_graph._errors import InputError
from scrcl_graph.cluster._base import Embedding, Labels


class TiedMixture:
    """Tied-covariance Gaussian mixture on leading principal components, best of many starts by likelihood.

    Parameters
    ----------
    n_clusters
        k.
    n_components
        Principal components the mixture is fitted on.
    n_init
        Number of k-means starts.
    random_state
        Seed; the same seed gives the same labels.
    """

    def __init__(self, n_clusters: int, *, n_components: int = 15, n_init: int = 10, random_state: int = 0) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.n_init = n_init
        self.random_state = random_state

    def fit_predict(self, X: Embedding) -> Labels:
        """Labels of the rows of ``X``."""
        if not 1 <= self.n_clusters <= len(X):
            raise InputError(f"{self.n_clusters} clusters cannot be found among {len(X)} cells")
        reduced = PCA(min(self.n_components, *X.shape), random_state=self.random_state).fit_transform(
            np.asarray(X, dtype=np.float64)
        )
        mixture = GaussianMixture(
            self.n_clusters,
            covariance_type="tied",
            n_init=self.n_init,
            random_state=self.random_state,
            reg_covar=1e-6 * float(reduced.var()) + 1e-12,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the best start is used, converged or not
            labels: Labels = mixture.fit_predict(reduced).astype(np.int64)
        return labels
