"""Slices or samples brought together: one shift for each, found between cells that are alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

Matrix = NDArray[np.float32]

N_CENTERS = 15
_ROUNDS = 30


@dataclass(frozen=True)
class Alignment:
    """Centers that all slices share, in aligned coordinates.

    The model is a mixture with an additive effect of the slice: a cell of slice s and cluster c lies around
    ``center_c + shift_s``. The shift is estimated within clusters, so that a slice in which a cluster is rare or
    absent is not pulled towards the others, as it would be by subtracting its mean.

    Attributes
    ----------
    centers
        Clusters x d.
    middle
        d: the mean of the aligned cells, where a new slice starts from.
    """

    centers: Matrix
    middle: Matrix

    def transform(self, x: Matrix, library: NDArray[np.intp]) -> Matrix:
        """New slices shifted to the centers; ``library`` numbers the slice of each cell."""
        out = np.empty_like(x)
        for one in np.unique(library):
            here = library == one
            placed = x[here] - x[here].mean(axis=0) + self.middle
            for _ in range(_ROUNDS):
                shift = (placed - self.centers[_nearest(placed, self.centers)]).mean(axis=0)
                placed = placed - shift
                if _is_small(shift, placed):
                    break
            out[here] = placed
        return out


def fit_alignment(x: Matrix, library: NDArray[np.intp], seed: int = 0) -> tuple[Alignment, Matrix]:
    """Find the shift of each slice; also returns the aligned coordinates.

    Alternates between k-means of all cells and the mean residual of each slice, starting from slices of equal mean.

    Parameters
    ----------
    x
        Cells x d.
    library
        Number 0, 1, ... of each cell's slice.
    seed
        Of the k-means start.
    """
    sizes = np.bincount(library)[:, None]

    def means(values: Matrix) -> NDArray[np.float64]:
        sums = np.zeros((len(sizes), x.shape[1]))
        np.add.at(sums, library, values)
        return sums / sizes

    middle = x.mean(axis=0, dtype=np.float64)
    aligned = (x - means(x)[library]).astype(np.float32)
    k = min(N_CENTERS, len(np.unique(aligned, axis=0)))
    with threadpool_limits(1):
        model = KMeans(k, n_init=2, random_state=seed).fit(aligned)
        for _ in range(_ROUNDS):
            shift = means(aligned - model.cluster_centers_[model.labels_])
            aligned = (aligned - shift[library]).astype(np.float32)
            model = KMeans(k, init=_centers(aligned, model), n_init=1).fit(aligned)
            if _is_small(shift, aligned):
                break
    aligned = (aligned + middle).astype(np.float32)
    return Alignment((model.cluster_centers_ + middle).astype(np.float32), aligned.mean(axis=0)), aligned


def _centers(x: Matrix, model: KMeans) -> NDArray[np.float64]:
    """Means of the clusters after a shift. A cluster is empty only where fewer points differ; it stays where it was."""
    sums = np.zeros(model.cluster_centers_.shape)
    np.add.at(sums, model.labels_, x)
    sizes = np.bincount(model.labels_, minlength=len(sums))[:, None]
    return np.where(sizes > 0, sums / np.maximum(sizes, 1), model.cluster_centers_)


def _nearest(x: Matrix, centers: Matrix) -> NDArray[np.intp]:
    return np.asarray(((centers**2).sum(axis=1) - 2.0 * x @ centers.T).argmin(axis=1))


def _is_small(shift: NDArray[np.floating], x: Matrix) -> bool:
    return float(np.abs(shift).max()) < 1e-4 * float(x.std())
