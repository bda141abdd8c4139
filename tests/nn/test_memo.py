from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch_geometric.data import HeteroData

from scrcl_graph.datasets import Planted
from scrcl_graph.nn import RefinementNetwork, ops
from scrcl_graph.nn.layers import Memo, share_memos


@pytest.fixture
def asked() -> list[Tensor]:
    return []


def _twice(memo: Memo, x: Tensor, asked: list[Tensor], key: object = None) -> Tensor:
    def compute() -> Tensor:
        asked.append(x)
        return 2 * x

    return memo(compute, x, key=key)


def test_the_same_tensors_are_computed_once_until_they_change(asked: list[Tensor]) -> None:
    memo, x = Memo(), torch.ones(3)
    assert _twice(memo, x, asked) is _twice(memo, x, asked)
    assert len(asked) == 1
    x += 1
    assert torch.equal(_twice(memo, x, asked), torch.full((3,), 4.0))
    _twice(memo, x.clone(), asked)
    _twice(memo, x, asked)
    _twice(memo, x, asked, key=1)
    assert len(asked) == 5


def test_tensors_that_need_a_gradient_are_not_remembered(asked: list[Tensor]) -> None:
    memo, x = Memo(), torch.ones(3, requires_grad=True)
    _twice(memo, x, asked)
    _twice(memo, x, asked)
    assert len(asked) == 2


def test_a_deep_copy_remembers_nothing(asked: list[Tensor]) -> None:
    memo, x = Memo(), torch.ones(3)
    _twice(memo, x, asked)
    _twice(copy.deepcopy(memo), x, asked)
    assert len(asked) == 2
    assert vars(copy.deepcopy(memo))["_last"] is None


def test_networks_that_share_sum_once_and_give_what_they_gave_alone(
    build: Callable[..., HeteroData], planted_counts: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = build(planted_counts)
    networks = [RefinementNetwork(8, 6) for _ in range(3)]
    alone = [copy.deepcopy(network)(data) for network in networks]
    share_memos(networks)
    sums, spmm = [], ops.spmm

    def counted(*args: Tensor) -> Tensor:
        sums[-1] += 1
        return spmm(*args)

    monkeypatch.setattr(ops, "spmm", counted)
    for network, own in zip(networks, alone, strict=True):
        sums.append(0)
        views = network(data)
        assert torch.equal(views.hidden[1], own.hidden[1])
        assert torch.equal(views.weight, own.weight)
    # each the hidden layers of cells and of genes; the first also what never changes: the first layers, and two steps
    assert sums == [8, 2, 2]


def test_networks_of_different_parts_do_not_share() -> None:
    one, other = RefinementNetwork(8, 6), RefinementNetwork(8, 6, ("similar_to", "adjacent_to"))
    share_memos([one, other])
    memos = [[part._memo for part in network.modules() if hasattr(part, "_memo")] for network in (one, other)]
    assert not {id(memo) for memo in memos[0]} & {id(memo) for memo in memos[1]}
