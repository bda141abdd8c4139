from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch_geometric.data import HeteroData

from scrcl_graph.datasets import Planted, plant
from scrcl_graph.nn import RefinementNetwork, Views
from scrcl_graph.nn.ops import csr_from_edges

Build = Callable[..., HeteroData]
BOTH = ("similar_to", "adjacent_to")


def _network(relations: tuple[str, ...] = BOTH, seed: int = 0) -> RefinementNetwork:
    torch.manual_seed(seed)
    return RefinementNetwork(8, 6, relations, hidden_dim=12, out_dim=5)


def _close(one: Views, other: Views, order: np.ndarray | slice = slice(None)) -> None:
    for a, b in zip(one.hidden, other.hidden, strict=True):
        torch.testing.assert_close(a, b[order], rtol=1e-4, atol=1e-5)
    for name in ("weight", "bias", "messages"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("relations", [("similar_to",), BOTH])
def test_forward_equals_the_dense_formulas(build: Build, planted_counts: Planted, relations: tuple[str, ...]) -> None:
    data, net = build(planted_counts), _network(relations)

    def dense(*relation: str) -> torch.Tensor:
        store = data[relation]
        return torch.from_numpy(csr_from_edges(store.edge_index, store.edge_weight).toarray())

    def hat(name: str) -> torch.Tensor:
        off = dense("cell", name, "cell")
        return off + torch.diag(1 / ((off != 0).sum(dim=1) + 1))

    x, y = data["cell"].x, data["gene"].x
    rho = dense("gene", "coexpressed_with", "gene")
    rho = rho / rho.abs().sum(dim=1, keepdim=True).clamp_min(1e-30)
    K = dense("gene", "expressed_in", "cell")

    own = net.own_view(x) + x @ net.own_skip.weight.T
    C = torch.relu(
        sum(net.first[name].layer.linear(hat(name) @ x) for name in relations) + net.from_genes.layer.linear(K @ y)
    )
    mixed = torch.relu(sum(net.second[name].layer.linear(hat(name) @ C) for name in relations))
    smooth = sum(hat(name) @ hat(name) @ x for name in relations)
    G = net.gene_first.layer.own(y) + net.gene_first.layer.others(rho @ y) + net.from_cells.layer.linear(K.T @ x)
    G = net.gene_second.layer.own(G.relu()) + net.gene_second.layer.others(rho @ G.relu())
    expected = Views(
        (own, net.graph_view(mixed) + net.graph_skip(smooth)),
        net.gene_weight(G),
        net.gene_bias(G)[:, 0],
        net.gene_messages(G),
    )
    _close(net(data), expected)


def test_no_parameter_depends_on_the_number_of_cells_or_genes(build: Build, planted_counts: Planted) -> None:
    net = _network()
    for data in (planted_counts, plant(33, 70, 2, module_size=8, density=0.3, seed=1)):
        views = net(build(data))
        assert [tuple(view.shape) for view in views.hidden] == [(data.counts.shape[0], 5)] * 2
        assert views.weight.shape == views.messages.shape == (data.counts.shape[1], 5)
        assert views.bias.shape == (data.counts.shape[1],)


def test_permuting_cells_permutes_the_views_and_leaves_the_genes(build: Build, planted_counts: Planted) -> None:
    order = np.random.default_rng(0).permutation(80)
    net = _network()
    _close(net(build(planted_counts, order)), net(build(planted_counts)), order)


def test_the_first_view_sees_the_cell_alone_and_the_second_its_neighbours(
    build: Build, planted_counts: Planted
) -> None:
    data, net = build(planted_counts), _network(("similar_to",))
    before = net(data)
    data["cell"].x = data["cell"].x.clone()
    data["cell"].x[0] += 1
    after = net(data)
    reach = csr_from_edges(data["cell", "similar_to", "cell"].edge_index)
    reached = np.asarray(np.eye(80) + reach + reach @ reach)[:, 0] > 0
    changed = [(a != b).any(dim=1).numpy() for a, b in zip(before.hidden, after.hidden, strict=True)]
    assert changed[0].nonzero()[0].tolist() == [0]
    assert not changed[1][~reached].any()
    assert changed[1][reached].sum() > 1


def test_state_dict_round_trip(build: Build, planted_counts: Planted) -> None:
    data, net, other = build(planted_counts), _network(), _network(seed=1)
    views = net(data)
    assert not torch.equal(other(data).hidden[1], views.hidden[1])
    other.load_state_dict(net.state_dict())
    again = other(data)
    assert all(torch.equal(a, b) for a, b in zip(again.hidden, views.hidden, strict=True))
    assert torch.equal(again.weight, views.weight)


def test_every_parameter_gets_a_gradient(build: Build, planted_counts: Planted) -> None:
    net = _network()
    views = net(build(planted_counts))
    parts = (*views.hidden, views.weight, views.bias, views.messages)
    sum((part * torch.randn_like(part)).sum() for part in parts).backward()
    silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []
