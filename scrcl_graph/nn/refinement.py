"""The network of the default method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import Linear, Module, ModuleDict, ReLU, Sequential
from torch.nn.functional import linear
from torch_geometric.data import HeteroData

from scrcl_graph._registry import NOTHING, Spec
from scrcl_graph.nn._sharing import ALONE, Alone
from scrcl_graph.nn._views import Scores, Views
from scrcl_graph.nn.adapter import AdaptedLayer
from scrcl_graph.nn.layers import LowPass, Memo
from scrcl_graph.nn.resolver import check_relations, make_layer

Ends = Tensor | tuple[Tensor, Tensor]  # the cells, or their sources and them where these are not the same


class GeneSide(NamedTuple):
    """W, U and b of :class:`Views`."""

    weight: Tensor
    bias: Tensor
    messages: Tensor


class RefinementNetwork(Module):
    r"""Two views of the cells and a gene side, from messages over every relation of the graph.

    With x the coordinates of the cells, y those of the genes:

    * view 1 sees the cell alone: :math:`H_1 = MLP(x) + x S_1`;
    * view 2 sees its neighbours and its genes:
      :math:`C = relu(conv(x) + conv_{gene \to cell}(y))`, :math:`H_2 = relu(conv(C)) W + (\hat A^2 x) S_2`;
    * the genes see their correlated genes and their cells:
      :math:`G = relu(conv(y) + conv_{cell \to gene}(x))`, then one more convolution, from which linear heads give
      the gene factor W and bias b of the association scores :math:`R_v = H_v W^\top + b` and the messages U.

    A layer from genes to cells can attend by the scores of view 1 (:class:`AssociationAttention`). These then are the
    scores of the network; else it is the mean of both views.

    No parameter depends on the number of cells or genes, so the trained network encodes cells it has not seen.

    Parameters
    ----------
    cell_dim, gene_dim
        Width of the node features.
    cell_relations
        Names of the cell-cell relations to pass messages over; where there are several their messages are added.
    hidden_dim, out_dim
        Width of the hidden layers and of each view.
    layers
        What takes the place of the convolutions, by relation (``"similar_to"``, ``"adjacent_to"``,
        ``"coexpressed_with"``, ``"expresses"``, ``"expressed_in"``) or kind (``"cell-cell"``, ``"gene-gene"``,
        ``"cell-gene"``): a name (ours, registered, or any of PyG's such as ``"gatv2"``), a class, a factory, an
        instance, or a pair of one of these and its options. See :class:`AdaptedLayer`.

    Shapes
    ------
    Input a ``HeteroData`` as made by :func:`scrcl_graph.gr.cell_gene_graph`; output :class:`Views` with
    d = d' = ``out_dim``.
    """

    def __init__(
        self,
        cell_dim: int,
        gene_dim: int,
        cell_relations: Sequence[str] = ("similar_to",),
        hidden_dim: int = 128,
        out_dim: int = 16,
        layers: Mapping[str, Spec] = NOTHING,
    ) -> None:
        super().__init__()
        check_relations(layers)

        def conv(relation: str, width: int | tuple[int, int]) -> AdaptedLayer:
            return make_layer(layers, relation, width, hidden_dim)

        self.own_view = Sequential(Linear(cell_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim))
        self.own_skip = Linear(cell_dim, out_dim, bias=False)
        self.first = ModuleDict({name: conv(name, cell_dim) for name in cell_relations})
        self.second = ModuleDict({name: conv(name, hidden_dim) for name in cell_relations})
        self.smooth = ModuleDict({name: LowPass(steps=2) for name in cell_relations})
        self.from_genes = conv("expressed_in", (gene_dim, cell_dim))
        self.graph_view = Linear(hidden_dim, out_dim)
        self.graph_skip = Linear(cell_dim, out_dim, bias=False)
        self.gene_first = conv("coexpressed_with", gene_dim)
        self.gene_second = conv("coexpressed_with", hidden_dim)
        self.from_cells = conv("expresses", (cell_dim, gene_dim))
        self.gene_weight = Linear(hidden_dim, out_dim)
        self.gene_bias = Linear(hidden_dim, 1)
        self.gene_messages = Linear(hidden_dim, out_dim)
        self._around = Memo()

    def forward(self, data: HeteroData, sharing: Alone = ALONE) -> Views:
        """Both views and the gene side; of the own cells where processes share them."""
        x = data["cell"].x
        genes = self.genes(data, sharing.total(self.collected(data)))
        own = self.own(x)
        around = _ends(self._around(lambda: sharing.gather(x), x), x)
        state = self.mixed(data, around, Scores(own, genes.weight, genes.bias))
        graph = self.spread(data, _ends(sharing.gather(state), state)) + self.smoothed(data, around, sharing)
        return self.views(own, graph, genes)

    # The steps of forward, which scrcl_graph.train.InTiles takes a part of the cells at a time.

    def collected(self, data: HeteroData) -> Tensor:
        """What the genes get from these cells, genes x hidden."""
        expresses = data["cell", "expresses", "gene"]
        out: Tensor = self.from_cells((data["cell"].x, data["gene"].x), expresses.edge_index, expresses.edge_weight)
        return out

    def genes(self, data: HeteroData, collected: Tensor) -> GeneSide:
        """The gene side, from what the genes got from all cells."""
        correlated = data["gene", "coexpressed_with", "gene"]
        state = self.gene_first(data["gene"].x, correlated.edge_index, correlated.edge_weight) + collected
        state = self.gene_second(state.relu(), correlated.edge_index, correlated.edge_weight)
        heads = (self.gene_weight, self.gene_bias, self.gene_messages)
        weight, bias = (torch.cat([getattr(head, name) for head in heads]) for name in ("weight", "bias"))
        parts = linear(state, weight, bias).split([head.out_features for head in heads], dim=1)
        return GeneSide(parts[0], parts[1].squeeze(1), parts[2])

    def own(self, x: Tensor) -> Tensor:
        """View 1, n x out."""
        view: Tensor = self.own_view(x) + self.own_skip(x)
        return view

    def mixed(self, data: HeteroData, around: Ends, scores: Scores) -> Tensor:
        """C, n x hidden."""
        expressed = data["gene", "expressed_in", "cell"]
        ends = (data["gene"].x, data["cell"].x)
        state = self.from_genes(ends, expressed.edge_index, expressed.edge_weight, scores)
        for name, conv in self.first.items():
            edges = data["cell", name, "cell"]
            state = state + conv(around, edges.edge_index, edges.edge_weight)
        out: Tensor = state.relu()
        return out

    def spread(self, data: HeteroData, states: Ends) -> Tensor:
        """What view 2 gets from C, n x out."""
        edges = {name: data["cell", name, "cell"] for name in self.second}
        mixed = [conv(states, edges[name].edge_index, edges[name].edge_weight) for name, conv in self.second.items()]
        cells = states[1] if isinstance(states, tuple) else states
        out: Tensor = self.graph_view(_added(mixed, cells).relu())
        return out

    def smoothed(self, data: HeteroData, around: Ends, sharing: Alone = ALONE) -> Tensor:
        """What view 2 gets from the coordinates, n x out."""
        edges = {name: data["cell", name, "cell"] for name in self.smooth}
        smooth = [
            low_pass(around, edges[name].edge_index, edges[name].edge_weight, sharing.gather)
            for name, low_pass in self.smooth.items()
        ]
        out: Tensor = self.graph_skip(_added(smooth, data["cell"].x))
        return out

    def views(self, own: Tensor, graph: Tensor, genes: GeneSide) -> Views:
        """The output of the network."""
        attended = own if self.from_genes.takes_scores else None
        return Views((own, graph), genes.weight, genes.bias, genes.messages, attended=attended)


def _added(messages: list[Tensor], like: Tensor) -> Tensor:
    return reduce(torch.add, messages) if messages else torch.zeros_like(like)


def _ends(sources: Tensor, cells: Tensor) -> Ends:
    """What a layer between cells gets: the cells, or the pair of its sources and them where these are not the same."""
    return cells if sources is cells else (sources, cells)
