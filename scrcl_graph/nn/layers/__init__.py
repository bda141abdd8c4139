"""Message-passing layers, one a file."""

from __future__ import annotations

from scrcl_graph.nn.layers.bipartite_conv import BipartiteConvolution
from scrcl_graph.nn.layers.gene_conv import GeneConvolution
from scrcl_graph.nn.layers.graph_conv import GraphConvolution

__all__ = ["BipartiteConvolution", "GeneConvolution", "GraphConvolution"]
