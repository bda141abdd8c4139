"""The network as the scRCL paper describes it, in linear time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Dropout, Linear, Module
from torch.nn.functional import leaky_relu
from torch_geometric.data import HeteroData

from scrcl_graph.nn import ops
from scrcl_graph.nn._views import Views
from scrcl_graph.nn.layers import GraphConvolution


class PaperNetwork(Module):
    r"""Peng et al. (arXiv 2512.10640), with its dimensions and its gene weight of one row per cell.

    View 1 is one linear layer with ReLU on the features, view 2 two graph convolutions and a linear layer with leaky
    ReLU. A projector shared by the views gives the association scores :math:`R_v = drop(H_v) W^\top + 1 b^\top`, and
    one convolution on the gene graph gives the messages :math:`U = relu(\hat A_g X^\top V)`, V being cells x d.

    The features X are the raw counts on the expression edges; a product with X is a message along these edges, so X is
    never dense. The gene graph is directed and holds each gene itself among its neighbours.

    Parameters
    ----------
    n_cells, n_genes
        Size of the graph it is trained on.
    n_clusters
        Width d of the gene messages; 10 where it is not given.
    hidden_dim
        Width of every layer.
    dropout
        On the layers of view 2 and on the input of the projector.
    """

    def __init__(
        self,
        n_cells: int,
        n_genes: int,
        n_clusters: int | None = None,
        hidden_dim: int = 1500,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.own_view = Linear(n_genes, hidden_dim)
        self.graph_first = Linear(n_genes, hidden_dim)
        self.graph_second = GraphConvolution(hidden_dim, hidden_dim)
        self.graph_view = Linear(hidden_dim, hidden_dim)
        self.projector = Linear(hidden_dim, n_genes)
        self.gene_encoder = Linear(n_cells, n_clusters or 10)
        self.dropout = Dropout(dropout)

    def forward(self, data: HeteroData) -> Views:
        """Both views and the gene side."""
        expressed = data["gene", "expressed_in", "cell"]
        similar = data["cell", "similar_to", "cell"]

        def features_times(weight: Tensor) -> Tensor:
            return ops.spmm(expressed.edge_index, weight, expressed.edge_weight)

        own = torch.relu(features_times(self.own_view.weight.T) + self.own_view.bias)

        first = features_times(self.graph_first.weight.T)
        first = self.graph_second.low_pass(first, similar.edge_index, similar.edge_weight)
        first = self.dropout(leaky_relu(first + self.graph_first.bias))
        second = self.graph_second(first, similar.edge_index, similar.edge_weight)
        graph = leaky_relu(self.graph_view(self.dropout(leaky_relu(second))))

        return Views(
            hidden=(own, graph),
            projected=(self.dropout(own), self.dropout(graph)),
            weight=self.projector.weight,
            bias=self.projector.bias,
            messages=self._gene_messages(data),
        )

    def _gene_messages(self, data: HeteroData) -> Tensor:
        expresses = data["cell", "expresses", "gene"]
        correlated = data["gene", "coexpressed_with", "gene"]
        per_cell = self.gene_encoder.weight.T
        n_sources = expresses.edge_index.get_sparse_size(0)
        if n_sources > len(per_cell):  # cells that were not trained on send no message to the genes
            per_cell = torch.cat([per_cell, per_cell.new_zeros(n_sources - len(per_cell), per_cell.size(1))])
        summed = ops.spmm(expresses.edge_index, per_cell, expresses.edge_weight)
        mixed = ops.spmm(correlated.edge_index, summed, correlated.edge_weight)
        return torch.relu(mixed + self.gene_encoder.bias)
