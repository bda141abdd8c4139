"""Graphs of cells and genes: arrays in, ``HeteroData`` out."""

from __future__ import annotations

from scrcl_graph.gr.alignment import Alignment, fit_alignment
from scrcl_graph.gr.builders import GRAPHS, make_builder, register_graph, symmetric_graph
from scrcl_graph.gr.cells import cell_knn, nearest, propagation
from scrcl_graph.gr.genes import gene_correlation, gene_knn, gene_step, union
from scrcl_graph.gr.hetero import (
    ADJACENT,
    COEXPRESSED,
    EXPRESSED_IN,
    EXPRESSES,
    SIMILAR,
    cell_gene_graph,
    correspondence_kernel,
    to_networkx,
)
from scrcl_graph.gr.prior import GeneSets, prior_network, read_gmt
from scrcl_graph.gr.pseudocount import mean_abundance, one_molecule
from scrcl_graph.gr.scales import Scales, fit_scales
from scrcl_graph.gr.selection import dispersed_genes, gene_inertia, informative_genes
from scrcl_graph.gr.spatial import smooth, spatial_neighbors
from scrcl_graph.gr.spectral import Coordinates, Given, Joined, correspondence, given, join, pca
from scrcl_graph.gr.tiles import HALO, along_tissue, halo, sample_cells

__all__ = [
    "ADJACENT",
    "COEXPRESSED",
    "EXPRESSED_IN",
    "EXPRESSES",
    "GRAPHS",
    "HALO",
    "SIMILAR",
    "Alignment",
    "Coordinates",
    "GeneSets",
    "Given",
    "Joined",
    "Scales",
    "along_tissue",
    "cell_gene_graph",
    "cell_knn",
    "correspondence",
    "correspondence_kernel",
    "dispersed_genes",
    "fit_alignment",
    "fit_scales",
    "gene_correlation",
    "gene_inertia",
    "gene_knn",
    "gene_step",
    "given",
    "halo",
    "informative_genes",
    "join",
    "make_builder",
    "mean_abundance",
    "nearest",
    "one_molecule",
    "pca",
    "prior_network",
    "propagation",
    "read_gmt",
    "register_graph",
    "sample_cells",
    "smooth",
    "spatial_neighbors",
    "symmetric_graph",
    "to_networkx",
    "union",
]
