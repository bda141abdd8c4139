"""How domains lie in the tissue: how coherent, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.neighbors import NearestNeighbors

_PAS_NEIGHBORS = 10


def chaos(positions: ArrayLike, labels: ArrayLike, *, library: ArrayLike | None = None) -> float:
    """Spatial chaos score: mean distance of a cell to the nearest cell of its own domain; lower is more coherent.

    The coordinates of a slice are brought to unit variance each first, so the unit does not matter. Shang and Zhou,
    Nat Commun 13:7203 (2022); the scaling is that of SDMBench (Yuan et al., Nat Methods 21:712, 2024). Cells that are
    alone in their domain and slice are left out. The score falls with the number of cells: compare only clusterings of
    the same cells.

    Parameters
    ----------
    positions
        Cells x 2 or 3.
    labels
        One domain per cell.
    library
        Slice of each cell, or None for one slice.
    """
    distances = []
    values = np.asarray(labels)
    for xy, own in _slices(positions, library):
        spread = xy.std(axis=0)
        scaled = (xy - xy.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        for label in np.unique(values[own]):
            members = scaled[values[own] == label]
            if len(members) > 1:
                distances.append(NearestNeighbors(n_neighbors=1).fit(members).kneighbors()[0].ravel())
    return float(np.concatenate(distances).mean()) if distances else float("nan")


def pas(positions: ArrayLike, labels: ArrayLike, *, library: ArrayLike | None = None) -> float:
    """Share of cells of which more than half of the 10 nearest neighbours are of other domains; lower is smoother.

    Percentage of abnormal spots (Shang and Zhou, Nat Commun 13:7203, 2022). Parameters are as in :func:`chaos`; in a
    slice of fewer than 11 cells all other cells are the neighbours.
    """
    values = np.asarray(labels)
    abnormal = []
    for xy, own in _slices(positions, library):
        if len(xy) < 2:
            continue
        near = NearestNeighbors(n_neighbors=min(_PAS_NEIGHBORS, len(xy) - 1)).fit(xy).kneighbors(return_distance=False)
        abnormal.append((values[own][near] != values[own][:, None]).mean(axis=1) > 0.5)
    return float(np.concatenate(abnormal).mean()) if abnormal else float("nan")


def tissue_order(contacts: NDArray[np.integer]) -> NDArray[np.intp]:
    """Domains in the order in which they lie: neighbours in the tissue are near each other in the order.

    Spectral seriation (Atkins, Boman and Hendrickson, SIAM J Comput 28:297, 1998): sorted by the second eigenvector of
    the normalised Laplacian of the numbers of contacts. It starts at the end whose domain has the lower number.

    Parameters
    ----------
    contacts
        Domains x domains: edges of the spatial graph between them; the diagonal is not used.
    """
    weight = contacts + contacts.T.astype(np.float64)
    np.fill_diagonal(weight, 0.0)
    weight += 1e-6 * max(weight.max(), 1.0)  # domains that touch no other
    scale = 1.0 / np.sqrt(weight.sum(axis=1))
    second = (
        np.linalg.eigh(np.eye(len(weight)) - scale[:, None] * weight * scale)[1][:, min(1, len(weight) - 1)] * scale
    )
    order = np.argsort(second, kind="stable")
    return order if order[0] <= order[-1] else order[::-1]


def _slices(positions: ArrayLike, library: ArrayLike | None) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    xy = np.asarray(positions, dtype=np.float64)
    names = np.zeros(len(xy)) if library is None else np.asarray(library)
    for name in np.unique(names):
        own = names == name
        yield xy[own], own
