"""Statistics of groups of cells, genes and graphs: arrays in, arrays out."""

from __future__ import annotations

from scrcl_graph.stats.enrichment import enrichment
from scrcl_graph.stats.interactions import (
    Contacts,
    InteractionTest,
    group_contacts,
    interaction_edges,
    interactions,
)
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
from scrcl_graph.stats.permutation import GroupTest, WeightedTest, benjamini_hochberg, compare_groups, compare_weighted
from scrcl_graph.stats.spreading import spread

__all__ = [
    "Contacts",
    "GroupTest",
    "InteractionTest",
    "Labels",
    "Values",
    "WeightedTest",
    "benjamini_hochberg",
    "compare_groups",
    "compare_weighted",
    "confirmed",
    "diagnostics",
    "enrichment",
    "gene_communities",
    "group_contacts",
    "interaction_edges",
    "interactions",
    "membership",
    "module_scores",
    "null_membership",
    "recovery",
    "rewired",
    "spread",
]
