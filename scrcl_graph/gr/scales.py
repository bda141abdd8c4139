"""Tissue at several scales: a cell described by its coordinates averaged over small and larger surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph.gr.spatial import smooth

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Scales:
    """Coordinates smoothed over the spatial graph, each scale divided by its spread over the cells it was fitted on.

    Without the division a larger scale, whose averages vary less, would hardly count.

    Attributes
    ----------
    steps
        How often each scale is averaged over neighbours, increasing; 0 is the cell alone.
    spreads
        Root of the total variance of each scale, within slices.
    """

    steps: tuple[int, ...]
    spreads: tuple[float, ...]

    def transform(self, x: Matrix, adjacency: sp.csr_matrix) -> Matrix:
        """Cells x (d times the number of scales) from cells x d."""
        spread = np.repeat(np.array(self.spreads, dtype=np.float32), x.shape[1])
        return smooth(x, adjacency, self.steps) / spread

    def decoder(self, decoder: Matrix) -> Matrix:
        """The decoder (see :class:`scrcl_graph.gr.Coordinates`) of the smoothed coordinates: the mean of the scales."""
        return np.hstack([decoder * np.float32(spread / len(self.steps)) for spread in self.spreads])


def fit_scales(
    x: Matrix, adjacency: sp.csr_matrix, steps: Sequence[int], library: NDArray[np.intp] | None = None
) -> Scales:
    """Measure the spread of each scale.

    Parameters
    ----------
    x
        Coordinates, cells x d.
    adjacency
        As made by :func:`scrcl_graph.gr.spatial_neighbors`.
    steps
        See :class:`Scales`.
    library
        Number 0, 1, ... of each cell's slice; None for one slice.
    """
    smoothed = smooth(x, adjacency, steps).astype(np.float64)
    slices = np.zeros(len(x), dtype=np.intp) if library is None else library
    spreads = []
    for scale in np.split(smoothed, len(steps), axis=1):
        within = sum(float(((one - one.mean(axis=0)) ** 2).sum()) for one in (scale[slices == s] for s in set(slices)))
        spreads.append(float(np.sqrt(within / len(x))) or 1.0)
    return Scales(tuple(steps), tuple(spreads))
