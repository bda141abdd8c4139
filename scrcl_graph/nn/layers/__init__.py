"""Message-passing layers, one a file."""

from __future__ import annotations

from scrcl_graph.nn.layers._base import Memo, WeightedSum, share_memos
from scrcl_graph.nn.layers.association_attention import AssociationAttention
from scrcl_graph.nn.layers.bipartite_conv import BipartiteConvolution
from scrcl_graph.nn.layers.boundary_attention import BoundaryAttention
from scrcl_graph.nn.layers.gene_conv import GeneConvolution
from scrcl_graph.nn.layers.graph_conv import GraphConvolution
from scrcl_graph.nn.layers.low_pass import LowPass

__all__ = [
    "AssociationAttention",
    "BipartiteConvolution",
    "BoundaryAttention",
    "GeneConvolution",
    "GraphConvolution",
    "LowPass",
    "Memo",
    "WeightedSum",
    "share_memos",
]
