from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn import Linear, Module
from torch_geometric.nn import GATv2Conv, SAGEConv

from scrcl_graph import InputError
from scrcl_graph.nn import RefinementNetwork, Scores
from scrcl_graph.nn.adapter import Place, adapt
from scrcl_graph.nn.ops import degree, edges_from_csr
from scrcl_graph.nn.resolver import LAYERS, make_layer
from scrcl_graph.testing import check_layer

BETWEEN_CELLS = ["gcn", "sage", "gat", "GATv2Conv", "gin", "TransformerConv", "GraphConv", "hgt"]
BETWEEN_TYPES = ["sage", "gat", "gatv2", "TransformerConv", "GraphConv", "hgt"]


class Recorder(Module):
    """Keeps what it is called with."""

    def __init__(self, in_channels: Any, out_channels: int, **options: Any) -> None:
        super().__init__()
        self.made_with = (in_channels, out_channels, options)
        self.linear = Linear(in_channels if isinstance(in_channels, int) else in_channels[1], out_channels)

    def forward(self, x: Any, edge_index: Tensor, edge_attr: Tensor, size: Any = None) -> Tensor:
        self.called_with = (edge_index, edge_attr, size)
        return self.linear(x[1] if isinstance(x, tuple) else x)


@pytest.mark.parametrize("name", BETWEEN_CELLS)
def test_layers_of_pyg_conform_between_cells(name: str) -> None:
    assert "gradient" in check_layer(name)


@pytest.mark.parametrize("name", BETWEEN_TYPES)
def test_layers_of_pyg_conform_between_cells_and_genes(name: str) -> None:
    assert "gradient" in check_layer(name, "cell-gene")


def test_the_output_is_what_the_layer_itself_gives() -> None:
    torch.manual_seed(0)
    made = make_layer({"cell-cell": ("gatv2", {"heads": 2})}, "similar_to", 6, 8)
    torch.manual_seed(0)
    own = GATv2Conv(6, 4, heads=2, edge_dim=1)
    x, edge_index, weight = torch.randn(5, 6), torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]]), torch.rand(4)
    assert torch.equal(made(x, edge_index, weight), own(x, edge_index, weight[:, None]))


def test_only_what_a_layer_asks_for_is_passed(build: Any, planted_counts: Any) -> None:
    data = build(planted_counts)
    net = RefinementNetwork(8, 6, ["similar_to"], hidden_dim=12, layers={"cell-gene": (Recorder, {"a": 1})})
    net(data)
    layer = net.from_genes.layer
    assert layer.made_with == ((6, 8), 12, {"a": 1})
    edge_index, edge_attr, size = layer.called_with
    store = data["gene", "expressed_in", "cell"]
    assert edge_index is store.edge_index  # an EdgeIndex, whose cached rows can be used
    assert torch.equal(edge_attr, store.edge_weight[:, None])
    assert size == (50, 80)


def test_a_relation_goes_before_its_kind() -> None:
    chosen = {"similar_to": "sage", "cell-cell": "gcn", "expresses": "gat"}
    net = RefinementNetwork(4, 3, ["similar_to", "adjacent_to"], layers=chosen)
    kinds = [type(layer.layer).__name__ for layer in (*net.first.values(), net.from_cells, net.from_genes)]
    assert kinds == ["SAGEConv", "GCNConv", "GATConv", "BipartiteConvolution"]


def test_an_output_of_another_width_is_mapped() -> None:
    made = make_layer({"cell-cell": ("gatv2", {"heads": 3, "concat": True})}, "similar_to", 6, 8)
    assert made(torch.randn(4, 6), torch.tensor([[0], [1]]), torch.ones(1)).shape == (4, 8)
    assert made.out.in_features == 6  # 3 heads of 8 // 3


def test_copies_of_an_instance_share_no_weights() -> None:
    net = RefinementNetwork(4, 3, ["similar_to", "adjacent_to"], hidden_dim=8, layers={"cell-cell": SAGEConv(-1, 8)})
    one, other = (net.first[name].layer.lin_l.weight for name in ("similar_to", "adjacent_to"))
    assert one.shape == other.shape == (8, 4)
    assert not torch.equal(one, other)


def test_trying_a_layer_out_draws_no_number() -> None:
    torch.manual_seed(0)
    adapt(Recorder, {}, Place("similar_to", 4, 4), "recorder")
    after = torch.rand(1)
    torch.manual_seed(0)
    Recorder(4, 4)
    assert torch.equal(after, torch.rand(1))


class Pooled(Recorder):
    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:  # type: ignore[override]
        return self.linear(x).mean(dim=0, keepdim=True)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"cell-cell": "gcnn"}, "unknown layer 'gcnn': choose one of association_attention, .*gatv2.*register_layer"),
        ({"cells": "gcn"}, "unknown relation 'cells' for a layer: choose one of cell-cell, similar_to, adjacent_to"),
        ({"gene-gene": "gcn"}, "'gcn' on 'coexpressed_with' .* not finite for negative weights"),
        ({"cell-gene": "gcn"}, "the layer 'gcn' cannot be made for 'expressed_in'"),
        ({"cell-cell": ("gatv2", {"head": 4})}, "'gatv2' cannot be made for 'similar_to': TypeError: .*head"),
        ({"cell-cell": Pooled}, "'Pooled' .* must return one row per destination, 3 x d, not \\(1, 128\\)"),
        ({"cell-cell": SAGEConv(5, 128)}, "'SAGEConv' on 'similar_to' .width 4. fails there: RuntimeError"),
        ({"cell-cell": (SAGEConv(4, 128), {"aggr": "max"})}, "is an instance: it takes no options"),
        ({"cell-cell": lambda in_channels, out_channels: 3}, "must be a torch module"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused_with_its_name_and_why(layers: Any, message: str) -> None:
    with pytest.raises(InputError, match=message.replace(".width 4.", r"\(features of width 4\)")):
        RefinementNetwork(4, 3, layers=layers)


def test_every_layer_of_ours_is_registered_and_conforms() -> None:
    where = {
        "gene_convolution": "gene-gene",
        "bipartite_convolution": "cell-gene",
        "association_attention": "cell-gene",
    }
    for name in LAYERS.entries:
        assert check_layer(name, where.get(name, "cell-cell"))


def test_association_attention_is_softmax_of_the_association_scores() -> None:
    rng = torch.Generator().manual_seed(0)
    dense = torch.rand(5, 4, generator=rng) * (torch.rand(5, 4, generator=rng) < 0.7)
    dense[2] = 0
    edges, weight = edges_from_csr(sp.csr_matrix(dense.numpy()))
    made = make_layer({"cell-gene": "association_attention"}, "expressed_in", (6, 3), 7)
    x = (torch.randn(4, 6, generator=rng), torch.randn(5, 3, generator=rng))
    scores = Scores(*(torch.randn(*size, generator=rng) for size in ((5, 8), (4, 8), (4,))))
    for given, table in ((None, torch.zeros(5, 4)), (scores, scores.cells @ scores.genes.T + scores.bias)):
        mass = dense * (table / 8**0.5).exp()
        want = mass / mass.sum(dim=1, keepdim=True).clamp_min(1e-30) @ made.layer.value(x[0])
        torch.testing.assert_close(made(x, edges, weight, given), want, rtol=1e-5, atol=1e-6)


def test_boundary_attention_keeps_two_tissues_apart_and_smooths_within() -> None:
    n = 40
    line = sp.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(n, n))
    edges, _ = edges_from_csr(sp.csr_matrix(line))
    side = torch.from_numpy((np.arange(n) >= n // 2).astype(np.float32))
    x = torch.stack([side * 4, torch.zeros(n)], dim=1) + 0.3 * torch.randn(n, 2, generator=torch.manual_seed(0))
    layer = make_layer({"cell-cell": ("boundary_attention", {"sharpness": 3.0})}, "adjacent_to", 2, 5).layer
    near = layer.closeness(x, edges)
    sources, targets = edges.as_tensor()
    across = side[sources] != side[targets]
    assert near[across].max() < 1e-6 < 0.3 < near[~across].mean()
    torch.testing.assert_close(layer.closeness(10 * x, edges), near, rtol=1e-4, atol=1e-6)
    flat = make_layer({"cell-cell": ("boundary_attention", {"sharpness": 1e-6})}, "adjacent_to", 2, 5).layer
    total = (x + sp_sum(edges, x)) / (1 + degree(edges))[:, None]
    torch.testing.assert_close(flat(x, edges), flat.linear(total), rtol=1e-3, atol=1e-3)


def sp_sum(edges: Any, x: Tensor) -> Tensor:
    sources, targets = edges.as_tensor()
    return torch.zeros_like(x).index_add(0, targets, x[sources])
