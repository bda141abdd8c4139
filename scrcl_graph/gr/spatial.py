"""Cell-cell edges by position in the tissue."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import QhullError

from scrcl_graph._errors import InputError
from scrcl_graph._registry import Spec
from scrcl_graph.gr.builders import Builder, make_builder, symmetric_graph

logger = logging.getLogger(__name__)


def spatial_neighbors(
    coords: ArrayLike,
    *,
    builder: Spec = "knn",
    n_neighbors: int = 6,
    radius: float | None = None,
    library: ArrayLike | None = None,
) -> sp.csr_matrix:
    """Symmetric spatial graph; cells of different libraries (slices) are never joined.

    Parameters
    ----------
    coords
        Cells x 2 or 3, in any unit.
    builder
        ``"knn"``: the nearest ``n_neighbors`` cells, and those as near as the last of them (of 6 on a square lattice
        8); ``"delaunay"``: the triangulation; ``"radius"``: all cells within ``radius``; ``"grid"``: the nearest
        ``n_neighbors`` that are no further than 1.3 times the median, for spots on a lattice (6 on a hexagonal one, 4
        on a square one); or any builder (:func:`register_graph`), called once per slice; or a pair of one of these and
        its options.
    n_neighbors
        For ``"knn"`` and ``"grid"``.
    radius
        For ``"radius"``, in the unit of the coordinates.
    library
        Slice of each cell, or None for one slice.

    Returns
    -------
    Cells x cells CSR of ones, float32, without self loops. Cells at one position, and cells without any neighbour, are
    kept and logged as warnings.

    Raises
    ------
    InputError
        If the coordinates are not finite or not cells x 2 or 3, a slice has all its cells at one position, the kind is
        unknown, ``radius`` is missing, or ``n_neighbors`` is below 1.
    """
    try:
        xy = np.asarray(coords, dtype=np.float64)
    except (TypeError, ValueError) as err:
        raise InputError("spatial coordinates must be finite numbers, one row per cell and 2 or 3 columns") from err
    if n_neighbors < 1:
        raise InputError(f"n_neighbors is {n_neighbors}, but must be at least 1")
    if xy.ndim != 2 or xy.shape[1] not in (2, 3):
        raise InputError("spatial coordinates must be finite numbers, one row per cell and 2 or 3 columns")
    n = len(xy)
    if not np.isfinite(xy).all():
        bad = int((~np.isfinite(xy)).any(axis=1).sum())
        raise InputError(
            f"spatial coordinates must be finite numbers, but {bad} of {n} cells have none: remove them first"
        )
    slices = np.zeros(n, dtype=np.intp) if library is None else np.unique(np.asarray(library), return_inverse=True)[1]
    if len(slices) != n:
        raise InputError(f"there are {n} cells with coordinates and {len(slices)} library labels: they must match")
    adjacency = sp.csr_matrix((n, n), dtype=np.float32)
    shared = 0
    for one in np.unique(slices):
        members = np.flatnonzero(slices == one)
        if len(members) < 2:
            continue  # a slice of one cell has no neighbours
        times = np.unique(xy[members], axis=0, return_counts=True)[1]
        if len(times) == 1:
            raise InputError(f"all {len(members)} cells of a slice have the same position: check the coordinates")
        shared += int(times[times > 1].sum())
        build = _resolve(builder, n_neighbors, radius)
        try:
            local = sp.coo_matrix(build(xy[members])[0])
        except QhullError as err:
            raise InputError(
                f"a slice of {len(members)} cells has no triangulation (too few cells, or all on one line): "
                "use 'knn' or 'radius'"
            ) from err
        linked = local.data != 0
        rows, cols = members[local.row[linked]], members[local.col[linked]]
        adjacency += sp.csr_matrix((np.ones(len(rows), np.float32), (rows, cols)), shape=(n, n))
    graph = symmetric_graph(adjacency, n)
    if shared:
        logger.warning("%d of %d cells share their position with another cell", shared, n)
    alone = int((np.diff(graph.indptr) == 0).sum())
    if alone:
        logger.warning("%d of %d cells have no spatial neighbour, so only their own expression counts", alone, n)
    return graph


def smooth(x: NDArray[np.float32], adjacency: sp.csr_matrix, steps: Sequence[int]) -> NDArray[np.float32]:
    """Features averaged over the neighbours and the cell itself, repeatedly: one block of columns per number of steps.

    Parameters
    ----------
    x
        Cells x d.
    adjacency
        Symmetric graph of ones without self loops.
    steps
        How many times to average, increasing from 0 or more.

    Returns
    -------
    Cells x (d times the number of scales), float32.

    Raises
    ------
    InputError
        If the steps do not increase, or start below 0.
    """
    if any(later <= before for before, later in pairwise((-1, *steps))):
        raise InputError(f"steps of the spatial graph are {tuple(steps)}: give them increasing, none below 0")
    degree = np.asarray(adjacency.sum(axis=1), dtype=np.float64).ravel() + 1.0
    mean = sp.csr_matrix(sp.diags_array(1.0 / degree) @ (adjacency + sp.identity(len(x), format="csr")))
    scales, done = [], 0
    for step in steps:
        for _ in range(step - done):
            x = mean @ x
        done = step
        scales.append(x)
    return np.asarray(np.hstack(scales), dtype=np.float32)


def _resolve(builder: Spec, n_neighbors: int, radius: float | None) -> Builder:
    given = {"knn": {"n_neighbors": n_neighbors}, "grid": {"n_neighbors": n_neighbors}, "radius": {"radius": radius}}
    return make_builder((builder, given[builder]) if isinstance(builder, str) and builder in given else builder)
