"""Statistics of groups of cells, genes and graphs: arrays in, arrays out."""

from __future__ import annotations

from scrcl_graph.stats.enrichment import enrichment
from scrcl_graph.stats.modules import (
    Labels,
    Values,
    confirmed,
    gene_communities,
    membership,
    module_scores,
    null_membership,
    recovery,
)
from scrcl_graph.stats.networks import diagnostics, rewired
from scrcl_graph.stats.permutation import GroupTest, benjamini_hochberg, compare_groups

__all__ = [
    "GroupTest",
    "Labels",
    "Values",
    "benjamini_hochberg",
    "compare_groups",
    "confirmed",
    "diagnostics",
    "enrichment",
    "gene_communities",
    "membership",
    "module_scores",
    "null_membership",
    "recovery",
    "rewired",
]
