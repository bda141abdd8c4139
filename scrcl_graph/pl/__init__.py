"""Plots of results. Each takes an AnnData and optional axes, and returns the axes."""

from __future__ import annotations

from scrcl_graph.pl.association import association_heatmap
from scrcl_graph.pl.clusters import umap
from scrcl_graph.pl.domains import confusion, domain_graph, enrichment
from scrcl_graph.pl.tissue import spatial
from scrcl_graph.pl.training import k_curve, loss

__all__ = ["association_heatmap", "confusion", "domain_graph", "enrichment", "k_curve", "loss", "spatial", "umap"]
