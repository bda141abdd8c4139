"""Parts of many cells: which to learn from, and in what parts the others are worked through."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import reverse_cuthill_mckee

HALO = 3  # messages travel two steps, and the weight of a message depends on the degrees of both its ends
_PATCH = 32


def sample_cells(
    n_cells: int, wanted: int | None, adjacency: sp.csr_matrix | None = None, seed: int = 0
) -> NDArray[np.intp]:
    """Random cells to learn from, in the order of the input; all of them where no more are there than wanted.

    With positions, whole patches of tissue are taken, since single cells far from each other have no neighbours: the
    cells within some steps of random ones, of about 32 cells each.

    Parameters
    ----------
    n_cells
        Cells there are.
    wanted
        Cells to take, or None for all.
    adjacency
        Spatial graph.
    seed
        Of the draw.
    """
    if wanted is None or n_cells <= wanted:
        return np.arange(n_cells)
    order = np.random.default_rng(seed).permutation(n_cells)
    if adjacency is None:
        return np.sort(order[:wanted])
    taken = np.zeros(n_cells, dtype=bool)
    for start in order:
        patch = np.array([start])
        while len(patch) < _PATCH:
            around = np.union1d(patch, adjacency[patch].indices)
            if len(around) == len(patch):
                break
            patch = around
        taken[patch] = True
        if taken.sum() >= wanted:
            break
    return np.flatnonzero(taken)


def along_tissue(adjacency: sp.csr_matrix) -> NDArray[np.intp]:
    """An order of the cells in which neighbours are near (reverse Cuthill-McKee)."""
    return np.asarray(reverse_cuthill_mckee(adjacency, symmetric_mode=True), dtype=np.intp)


def halo(adjacency: sp.csr_matrix, rows: NDArray[np.intp], steps: int = HALO) -> NDArray[np.intp]:
    """Other cells within some steps of these, in increasing order."""
    reached = np.zeros(adjacency.shape[0], dtype=bool)
    reached[rows] = True
    for _ in range(steps):
        reached[adjacency[np.flatnonzero(reached)].indices] = True
    reached[rows] = False
    return np.flatnonzero(reached)
