"""Graphs of cells by name, and any builder in their place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.spatial import QhullError
from sklearn.neighbors import NearestNeighbors

from scrcl_graph._errors import InputError
from scrcl_graph._registry import Registry, Spec
from scrcl_graph._settings import quiet_squidpy

T = TypeVar("T")
Builder = Callable[[NDArray[Any]], "tuple[Any, Any]"]

_SAME_DISTANCE = 1 + 1e-6  # times; more is no rounding


def knn(coords: NDArray[Any], n_neighbors: int = 6) -> tuple[Any, Any]:
    """The nearest ``n_neighbors`` cells, and those as near as the last of them, which a square lattice has.

    Searched among twice as many, as any number of cells may be at one position.
    """
    others = len(coords) - 1
    search = NearestNeighbors(n_neighbors=min(2 * n_neighbors, others)).fit(coords)
    distances, neighbors = search.kneighbors()
    near = distances <= distances[:, [min(n_neighbors, others) - 1]] * _SAME_DISTANCE
    edges = (np.ones(near.sum(), np.float32), (near.nonzero()[0], neighbors[near]))
    return sp.csr_matrix(edges, shape=(len(coords), len(coords))), None


def grid(coords: NDArray[Any], n_neighbors: int = 6) -> tuple[Any, Any]:
    """The nearest ``n_neighbors`` that are no further than 1.3 times the median."""
    return _built(_squidpy().GridBuilder(n_neighs=min(n_neighbors, len(coords) - 1)), coords)


def radius(coords: NDArray[Any], radius: float | None = None) -> tuple[Any, Any]:
    """All cells within ``radius``, in the unit of the coordinates."""
    if radius is None:
        raise InputError("the spatial graph 'radius' needs radius=, in the unit of the coordinates")
    return _built(_squidpy().RadiusBuilder(radius=radius), coords)


def delaunay(coords: NDArray[Any]) -> tuple[Any, Any]:
    """The triangulation of the positions, which has each of them once; cells at one position share its neighbours."""
    positions, at = np.unique(coords, axis=0, return_inverse=True)
    if len(positions) < coords.shape[1] + 1:
        raise QhullError("too few positions")
    where = sp.csr_matrix((np.ones(len(coords), np.float32), (np.arange(len(coords)), at)))
    among = sp.csr_matrix(_squidpy().DelaunayBuilder().build(positions)[0]) + sp.identity(len(positions), format="csr")
    return sp.csr_matrix(where @ among @ where.T), None


def _squidpy() -> ModuleType:
    return quiet_squidpy("squidpy.gr.neighbors")


def _built(builder: Any, coords: NDArray[Any]) -> tuple[Any, Any]:
    made: tuple[Any, Any] = builder.build(coords)
    return made


GRAPHS = Registry(
    "graph",
    {"delaunay": delaunay, "grid": grid, "knn": knn, "radius": radius},
    register='gr.register_graph("name")',
)


def register_graph(name: str) -> Callable[[T], T]:
    """Decorator that gives a graph builder a name.

    A builder is a callable from coordinates to (adjacency, distances), of which only the first is used, and which may
    have options as keywords; or a squidpy ``GraphBuilder``, as a class or an instance.
    """
    return GRAPHS.register(name)


def make_builder(spec: Spec) -> Builder:
    """The builder a specification stands for, its options set.

    Raises
    ------
    InputError
        If the name is unknown; the message lists the names.
    """
    part, options = GRAPHS.resolve(spec)
    if inspect.isclass(part):
        part, options = part(**options), {}
    return partial(getattr(part, "build", part), **options)


def symmetric_graph(adjacency: Any, n_cells: int) -> sp.csr_matrix:
    """The union of both directions of any adjacency, of ones and without self loops.

    Raises
    ------
    InputError
        If it is not cells x cells.
    """
    linked = sp.coo_matrix(adjacency)
    if linked.shape != (n_cells, n_cells):
        raise InputError(f"the graph is {linked.shape[0]} x {linked.shape[1]}, but there are {n_cells} cells")
    union = sp.coo_matrix(abs(linked) + abs(linked).T)
    keep = (union.row != union.col) & (union.data > 0)
    ones = np.ones(int(keep.sum()), np.float32)
    return sp.csr_matrix((ones, (union.row[keep], union.col[keep])), shape=linked.shape)
