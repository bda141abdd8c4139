from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from scrcl_graph.objectives import Alignment, Batch

Check = Callable[..., None]


def _kl(p: Tensor, q: Tensor) -> Tensor:
    return (p * (p.log() - q.log())).sum(dim=-1)


def dense_alignment(batch: Batch, _: Tensor) -> Tensor:
    first, second = (h / h.norm(dim=1, keepdim=True) / batch.tau for h in batch.views.hidden)
    P1, P2 = first.flatten().softmax(dim=0), second.flatten().softmax(dim=0)
    p1, p2 = first.softmax(dim=1), second.softmax(dim=1)
    return _kl(P1, P2) + _kl(P2, P1) + 0.5 * (_kl(p1, p2) + _kl(p2, p1)).mean()


def test_value_and_gradients_equal_the_dense_formula(check: Check) -> None:
    check(Alignment(), dense_alignment)


def test_sums_of_two_halves_give_the_whole(check_shards: Check) -> None:
    check_shards(Alignment())


def test_the_order_of_cells_does_not_matter(problem: Any, permuted: Batch) -> None:
    torch.testing.assert_close(Alignment()(permuted), Alignment()(problem.batch), rtol=1e-12, atol=1e-12)


def test_views_that_agree_up_to_length_are_aligned(problem: Any) -> None:
    first = problem.batch.views.hidden[0].detach()
    value = Alignment()(replace(problem.batch, views=replace(problem.batch.views, hidden=(first, 3 * first))))
    assert abs(value) < 1e-12
    assert Alignment()(problem.batch) > 0.1
