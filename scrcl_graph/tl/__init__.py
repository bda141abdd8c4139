"""Verbs on AnnData: they read keys, call the model, and write keys."""

from __future__ import annotations

from scrcl_graph.tl.associations import associations
from scrcl_graph.tl.domain_statistics import domain_statistics, paga, spatial_genes
from scrcl_graph.tl.domains import domains
from scrcl_graph.tl.refine import apply, refine

__all__ = ["apply", "associations", "domain_statistics", "domains", "paga", "refine", "spatial_genes"]
