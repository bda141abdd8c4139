"""Scores of a clustering."""

from __future__ import annotations

from scrcl_graph.metrics.supervised import SCORES, match_clusters, score

__all__ = ["SCORES", "match_clusters", "score"]
