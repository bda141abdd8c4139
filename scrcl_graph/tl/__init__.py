"""Verbs on AnnData: they read keys, call the model, and write keys."""

from __future__ import annotations

from scrcl_graph.tl.annotate import annotate, spread_labels
from scrcl_graph.tl.associations import associations
from scrcl_graph.tl.domain_statistics import domain_statistics
from scrcl_graph.tl.domains import domains
from scrcl_graph.tl.ligand_receptor import ligand_receptor
from scrcl_graph.tl.modules import gene_modules
from scrcl_graph.tl.paga import paga
from scrcl_graph.tl.refine import apply, refine
from scrcl_graph.tl.split import split_counts

__all__ = [
    "annotate",
    "apply",
    "associations",
    "domain_statistics",
    "domains",
    "gene_modules",
    "ligand_receptor",
    "paga",
    "refine",
    "split_counts",
    "spread_labels",
]
