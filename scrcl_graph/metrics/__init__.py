"""Scores of a clustering, with an annotation and without."""

from __future__ import annotations

from scrcl_graph.metrics.spatial import chaos, pas, tissue_order
from scrcl_graph.metrics.supervised import RARE, SCORES, intervals, match_clusters, score
from scrcl_graph.metrics.unsupervised import neighbourhood_purity, silhouette, stability

__all__ = [
    "RARE",
    "SCORES",
    "chaos",
    "intervals",
    "match_clusters",
    "neighbourhood_purity",
    "pas",
    "score",
    "silhouette",
    "stability",
    "tissue_order",
]
