"""From an embedding to clusters. Every clusterer has ``fit_predict``; each lives in its own file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp

from scrcl_graph._errors import InputError
from scrcl_graph._registry import Registry, Spec
from scrcl_graph.cluster._base import Clusterer, Embedding, Labels, by_size, members, unit_rows
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
    offered = {"random_state": random_state, "connectivity": connectivity, "coordinates": coordinates}
    part, options = _bound(spec, n_clusters, offered)
    try:
        made = part if is_clusterer(part) else part(n_clusters, **options)
    except TypeError as err:
        raise _cannot_be_made(spec, err) from err
    if not hasattr(made, "fit_predict"):
        raise _cannot_be_made(spec, "it has no fit_predict, as those of scikit-learn have")
    clusterer: Clusterer = made
    return clusterer


def check_clusterer(spec: Spec) -> None:
    """InputError where :func:`make_clusterer` would refuse it; nothing of the user's is called."""
    if _bound(spec, 2, dict.fromkeys(("random_state", "connectivity", "coordinates")))[0] is Leiden:
        Leiden()  # refused without its extra


def _bound(spec: Spec, n_clusters: int, offered: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The part, and all that it is to be called with: its options, and of what is offered what it takes."""
    part, options = CLUSTERERS.resolve(spec)
    if is_clusterer(part):
        if options:
            raise _cannot_be_made(spec, "an instance takes no options: give its class instead")
        return part, {}
    if not callable(part):
        raise _cannot_be_made(spec, "it is neither a clusterer nor a function that makes one")
    signature = inspect.signature(part)
    options = {key: value for key, value in offered.items() if key in signature.parameters} | options
    try:
        signature.bind(n_clusters, **options)
    except TypeError as err:
        raise _cannot_be_made(spec, err) from err
    return part, options


def _cannot_be_made(spec: Spec, why: object) -> InputError:
    return InputError(f"the clusterer '{CLUSTERERS.plain(spec)[0]}' cannot be made: {why}")


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
    "check_clusterer",
    "check_enough",
    "choose_k",
    "cluster_cells",
    "is_clusterer",
    "make_clusterer",
    "members",
    "nearest_vote",
    "register_clusterer",
    "spatial_vote",
    "unit_rows",
]
