"""Plots of results. Each takes an AnnData and optional axes, and returns the axes."""

from __future__ import annotations

from scrcl_graph.pl.association import association_dotplot, association_heatmap, association_network, joint_umap
from scrcl_graph.pl.clusters import umap
from scrcl_graph.pl.domains import confusion, domain_graph, enrichment
from scrcl_graph.pl.ligand_receptor import ligand_receptor_dotplot
from scrcl_graph.pl.modules import module_heatmap
from scrcl_graph.pl.tissue import spatial
from scrcl_graph.pl.training import k_curve, loss

__all__ = [
    "association_dotplot",
    "association_heatmap",
    "association_network",
    "confusion",
    "domain_graph",
    "enrichment",
    "joint_umap",
    "k_curve",
    "ligand_receptor_dotplot",
    "loss",
    "module_heatmap",
    "spatial",
    "umap",
]
