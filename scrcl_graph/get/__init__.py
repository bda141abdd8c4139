"""Results as tidy tables and networks. Nothing is written to the AnnData."""

from __future__ import annotations

from scrcl_graph.get.associations import associations
from scrcl_graph.get.ligand_receptor import ligand_receptor, ligand_receptor_network
from scrcl_graph.get.modules import module_scores, modules
from scrcl_graph.get.nearest import nearest_cells, nearest_genes, scores
from scrcl_graph.get.networks import association_network, graph_diagnostics, module_network
from scrcl_graph.get.spatial_genes import spatial_genes

__all__ = [
    "association_network",
    "associations",
    "graph_diagnostics",
    "ligand_receptor",
    "ligand_receptor_network",
    "module_network",
    "module_scores",
    "modules",
    "nearest_cells",
    "nearest_genes",
    "scores",
    "spatial_genes",
]
