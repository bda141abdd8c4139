from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from scrcl_graph.nn import Views
from scrcl_graph.objectives import Batch, Consistency

Check = Callable[..., None]


def dense_consistency(batch: Batch, A: Tensor) -> Tensor:
    views = batch.views
    scores = [h @ views.weight.T + views.bias for h in views.projected or views.hidden]  # cells x genes
    Z1, Z2 = (r @ views.messages / (r @ views.messages).norm(dim=1, keepdim=True) for r in scores)
    return ((Z1 @ Z2.T - A - torch.eye(len(A))) ** 2).sum() / len(A) ** 2


def test_value_and_gradients_equal_the_dense_formula(check: Check) -> None:
    check(Consistency(), dense_consistency)


def test_sums_of_two_halves_give_the_whole(check_shards: Check) -> None:
    check_shards(Consistency())


def test_the_order_of_cells_does_not_matter(problem: Any, permuted: Batch) -> None:
    torch.testing.assert_close(Consistency()(permuted), Consistency()(problem.batch), rtol=1e-12, atol=1e-12)


def test_similarity_that_is_the_graph_itself_is_consistent(problem: Any) -> None:
    edgeless = replace(problem.batch, graph=problem.batch.graph[:, :0])
    eye = torch.eye(24, dtype=torch.float64)
    views = Views((eye, eye), eye, torch.zeros(24, dtype=torch.float64), eye)  # Z1 = Z2 = I
    assert Consistency()(replace(edgeless, views=views)) == 0
    assert Consistency()(replace(problem.batch, views=views)) > 0.01
