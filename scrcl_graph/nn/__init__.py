"""Layers and networks on ``HeteroData``: torch and PyG only, never an AnnData."""

from __future__ import annotations

from scrcl_graph.nn._views import Views
from scrcl_graph.nn.layers import BipartiteConvolution, GeneConvolution, GraphConvolution
from scrcl_graph.nn.paper import PaperNetwork
from scrcl_graph.nn.refinement import RefinementNetwork

__all__ = [
    "BipartiteConvolution",
    "GeneConvolution",
    "GraphConvolution",
    "PaperNetwork",
    "RefinementNetwork",
    "Views",
]
