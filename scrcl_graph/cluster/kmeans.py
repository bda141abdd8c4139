"""Spherical k-means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scrcl_graph._errors import InputError
from scrcl_graph.cluster._base import Embedding, Labels, check_k, members, unit_rows


class SphericalKMeans:
    r"""k-means on directions: maximises :math:`\sum_i \cos(x_i, c_{z_i})` (Dhillon and Modha 2001).

    k-means++ starts on the cosine distance, Lloyd steps until no label changes, best of ``n_init`` by the objective
    itself. A cluster that empties takes the point that fits its own centre worst.

    Parameters
    ----------
    n_clusters
        k.
    n_init
        Number of starts.
    max_iter
        Lloyd steps per start.
    random_state
        Seed; the same seed gives the same labels.

    Attributes
    ----------
    labels_
        n, int64.
    cluster_centers_
        k x d, rows of unit length.
    objective_
        Sum of cosines, larger is better.
    """

    def __init__(self, n_clusters: int, *, n_init: int = 20, max_iter: int = 100, random_state: int = 0) -> None:
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Embedding) -> SphericalKMeans:
        """Find the centres."""
        check_k(self.n_clusters, len(X))
        if not np.isfinite(X).all():
            raise InputError("the embedding has values that are not finite: k-means cannot place such cells")
        X = unit_rows(X)
        rng = np.random.default_rng(self.random_state)
        runs = (self._lloyd(X, _plus_plus(X, self.n_clusters, rng)) for _ in range(self.n_init))
        self.objective_, self.labels_, self.cluster_centers_ = max(runs, key=lambda run: run[0])
        return self

    def fit_predict(self, X: Embedding) -> Labels:
        """Labels of the rows of ``X``."""
        return self.fit(X).labels_

    def _lloyd(self, X: Embedding, centers: Embedding) -> tuple[float, Labels, Embedding]:
        labels = np.full(len(X), -1)
        for _ in range(self.max_iter):
            cosine = X @ centers.T
            new = cosine.argmax(axis=1)
            new = _fill_empty(new, cosine, self.n_clusters)
            if np.array_equal(new, labels):
                break
            labels = new
            centers = unit_rows(_sums(X, labels, self.n_clusters))
        fit = (X * centers[labels]).sum(axis=1, dtype=np.float64).sum()
        return float(fit), labels, centers


def _plus_plus(X: Embedding, k: int, rng: np.random.Generator) -> Embedding:
    """k-means++ (Arthur and Vassilvitskii 2007): each start drawn in proportion to its distance from those before."""
    chosen = [int(rng.integers(len(X)))]
    distance = _distance(X, chosen[0])
    while len(chosen) < k:
        weight = np.maximum(distance, 0.0).astype(np.float64)
        total = weight.sum()
        if total <= 0:  # fewer distinct points than clusters
            chosen.append(int(rng.integers(len(X))))
            continue
        chosen.append(int(np.searchsorted(np.cumsum(weight), rng.random() * total).clip(0, len(X) - 1)))
        distance = np.minimum(distance, _distance(X, chosen[-1]))
    return X[chosen]


def _distance(X: Embedding, i: int) -> NDArray[np.float32]:
    # The values are finite (checked in fit), and OpenBLAS has still raised the flag of invalid ones here
    with np.errstate(invalid="ignore"):
        distance: NDArray[np.float32] = 1.0 - X @ X[i]
    return distance


def _fill_empty(labels: Labels, cosine: NDArray[np.float32], k: int) -> Labels:
    counts = np.bincount(labels, minlength=k)
    empty = np.flatnonzero(counts == 0)
    if len(empty) == 0:
        return labels
    labels = labels.copy()
    worst_first = np.argsort(cosine[np.arange(len(labels)), labels], kind="stable")
    for cluster in empty:
        donor = next(i for i in worst_first if counts[labels[i]] > 1)
        counts[labels[donor]] -= 1
        counts[cluster] += 1
        labels[donor] = cluster
    return labels


def _sums(X: Embedding, labels: Labels, k: int) -> NDArray[np.float64]:
    sums: NDArray[np.float64] = members(labels, k).T @ X
    return sums
