"""Layers and networks on ``HeteroData``: torch and PyG only, never an AnnData."""

from __future__ import annotations

from scrcl_graph.nn import layers, ops
from scrcl_graph.nn._sharing import ALONE, Alone
from scrcl_graph.nn._views import Scores, Views
from scrcl_graph.nn.adapter import AdaptedLayer
from scrcl_graph.nn.layers import (
    AssociationAttention,
    BipartiteConvolution,
    BoundaryAttention,
    GeneConvolution,
    GraphConvolution,
    LowPass,
    WeightedSum,
)
from scrcl_graph.nn.networks import NETWORKS, register_network
from scrcl_graph.nn.paper import PaperNetwork
from scrcl_graph.nn.refinement import RefinementNetwork
from scrcl_graph.nn.resolver import LAYERS, register_layer
from scrcl_graph.nn.sharding import check_sharding

__all__ = [
    "ALONE",
    "LAYERS",
    "NETWORKS",
    "AdaptedLayer",
    "Alone",
    "AssociationAttention",
    "BipartiteConvolution",
    "BoundaryAttention",
    "GeneConvolution",
    "GraphConvolution",
    "LowPass",
    "PaperNetwork",
    "RefinementNetwork",
    "Scores",
    "Views",
    "WeightedSum",
    "check_sharding",
    "layers",
    "ops",
    "register_layer",
    "register_network",
]
