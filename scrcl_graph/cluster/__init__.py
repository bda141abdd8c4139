"""From an embedding to clusters. Every clusterer has ``fit_predict``; each lives in its own file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import scipy.sparse as sp

from scrcl_graph._errors import InputError
from scrcl_graph._registry import Registry, Spec
from scrcl_graph.cluster._base import Clusterer, Embedding, Labels, by_size, unit_rows
from scrcl_graph.cluster.choose_k import KSelection, check_enough, choose_k
from scrcl_graph.cluster.communities import Communities
from scrcl_graph.cluster.community_mixture import CommunityMixture
from scrcl_graph.cluster.kmeans import SphericalKMeans
from scrcl_graph.cluster.leiden import Leiden
from scrcl_graph.cluster.merge import MergedKMeans
from scrcl_graph.cluster.mixture import TiedMixture
from scrcl_graph.cluster.region_mixture import RegionMixture
from scrcl_graph.cluster.spatial_vote import spatial_vote
from scrcl_graph.cluster.vote import nearest_vote

T = TypeVar("T")

CLUSTERERS = Registry(
    "clusterer",
    {
        "communities": Communities,
        "community_mixture": CommunityMixture,
        "kmeans": SphericalKMeans,
        "leiden": Leiden,
        "merge": MergedKMeans,
        "mixture": TiedMixture,
        "region_mixture": RegionMixture,
    },
    register='cluster.register_clusterer("name")',
)


def register_clusterer(name: str) -> Callable[[T], T]:
    """Decorator that gives a clusterer a name: a class or factory of :class:`Clusterer`.

    It is called with the number of clusters, and with ``random_state``, ``connectivity`` (cells x cells: the spatial
    graph, or None where position is not used) and ``coordinates`` (cells x d: what entered the network) if it has such
    parameters.
    """
    return CLUSTERERS.register(name)


def make_clusterer(
    spec: Spec,
    n_clusters: int,
    random_state: int,
    connectivity: sp.csr_matrix | None = None,
    coordinates: Embedding | None = None,
) -> Clusterer:
    """The clusterer a specification stands for; an instance is used as it is, its own number of clusters included.

    Raises
    ------
    InputError
        If the name is unknown (the message lists the names), or what is given cannot cluster.
    """
    part, options = CLUSTERERS.resolve(spec)
    name = CLUSTERERS.plain(spec)[0]
    made = part
    if is_clusterer(part) and options:
        raise InputError(f"the clusterer '{name}' is an instance and takes no options: give its class instead")
    if not is_clusterer(part):
        offered = {"random_state": random_state, "connectivity": connectivity, "coordinates": coordinates}
        taken = {key: value for key, value in offered.items() if key in inspect.signature(part).parameters}
        try:
            made = part(n_clusters, **{**taken, **options})
        except TypeError as err:
            raise InputError(f"the clusterer '{name}' cannot be made: {err}") from err
    if not hasattr(made, "fit_predict"):
        raise InputError(f"the clusterer '{name}' has no fit_predict: it must be like one of scikit-learn")
    clusterer: Clusterer = made
    return clusterer


def is_clusterer(part: object) -> bool:
    """Whether this is an instance, which knows its number of clusters itself."""
    return hasattr(part, "fit_predict") and not inspect.isclass(part)


def cluster_cells(clusterer: Clusterer, embedding: Embedding) -> Labels:
    """The labels of a clusterer, checked.

    Raises
    ------
    InputError
        Unless it gives one whole number per cell.
    """
    labels = np.asarray(clusterer.fit_predict(embedding))
    if labels.shape != (len(embedding),) or labels.dtype.kind not in "iu":
        raise InputError(
            f"the clusterer '{type(clusterer).__name__}' must return one whole number per cell, {len(embedding)} in "
            f"all; it returned {labels.dtype} of shape {labels.shape}"
        )
    return labels.astype(np.int64)


__all__ = [
    "CLUSTERERS",
    "Clusterer",
    "Communities",
    "CommunityMixture",
    "Embedding",
    "KSelection",
    "Labels",
    "Leiden",
    "MergedKMeans",
    "RegionMixture",
    "SphericalKMeans",
    "TiedMixture",
    "by_size",
    "check_enough",
    "choose_k",
    "cluster_cells",
    "is_clusterer",
    "make_clusterer",
    "nearest_vote",
    "register_clusterer",
    "spatial_vote",
    "unit_rows",
]
