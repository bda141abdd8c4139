from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from scrcl_graph.nn.layers import Memo


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
    assert len(vars(copy.deepcopy(memo))["_seen"]) == 0
