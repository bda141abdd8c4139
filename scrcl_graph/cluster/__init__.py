"""From an embedding to clusters. Every clusterer has ``fit_predict``; each lives in its own file."""

from __future__ import annotations

from collections.abc import Callable

from scrcl_graph._errors import InputError
from scrcl_graph.cluster._base import Clusterer, Embedding, Labels, by_size, unit_rows
from scrcl_graph.cluster.choose_k import KSelection, choose_k
from scrcl_graph.cluster.communities import Communities
from scrcl_graph.cluster.community_mixture import CommunityMixture
from scrcl_graph.cluster.kmeans import SphericalKMeans
from scrcl_graph.cluster.leiden import Leiden
from scrcl_graph.cluster.merge import MergedKMeans
from scrcl_graph.cluster.mixture import TiedMixture
from scrcl_graph.cluster.spatial_vote import spatial_vote

CLUSTERERS: dict[str, Callable[..., Clusterer]] = {
    "communities": Communities,
    "community_mixture": CommunityMixture,
    "kmeans": SphericalKMeans,
    "leiden": Leiden,
    "merge": MergedKMeans,
    "mixture": TiedMixture,
}


def make_clusterer(name: str, n_clusters: int, random_state: int) -> Clusterer:
    """The clusterer of that name.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    if name not in CLUSTERERS:
        raise InputError(f"unknown clusterer '{name}': choose one of {', '.join(CLUSTERERS)}")
    return CLUSTERERS[name](n_clusters, random_state=random_state)


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
    "SphericalKMeans",
    "TiedMixture",
    "by_size",
    "choose_k",
    "make_clusterer",
    "spatial_vote",
    "unit_rows",
]
