from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from scrcl_graph.objectives import Association, Batch

Check = Callable[..., None]


def dense_association(batch: Batch, _: Tensor) -> Tensor:
    expression = batch.cell_x @ batch.decoder.T  # cells x genes
    scores = [h @ batch.views.weight.T + batch.views.bias for h in batch.views.hidden]
    return sum(((r - expression) ** 2).sum() / (expression**2).sum() for r in scores) / 2


def test_value_and_gradients_equal_the_dense_formula(check: Check) -> None:
    check(Association(), dense_association)


def test_sums_of_two_halves_give_the_whole(check_shards: Check) -> None:
    check_shards(Association())


def test_the_order_of_cells_does_not_matter(problem: Any, permuted: Batch) -> None:
    torch.testing.assert_close(Association()(permuted), Association()(problem.batch), rtol=1e-12, atol=1e-12)


def test_zero_for_a_perfect_fit_and_one_for_a_zero_score(problem: Any) -> None:
    batch = problem.batch
    zero = torch.zeros_like(batch.views.bias)
    fit = replace(batch.views, hidden=(batch.cell_x, 2 * batch.cell_x), weight=batch.decoder, bias=zero)
    assert Association()(replace(batch, views=fit)).item() == pytest.approx(
        0.5
    )  # one view perfect, one twice too large
    fit = replace(fit, hidden=(batch.cell_x, batch.cell_x))
    assert abs(Association()(replace(batch, views=fit))) < 1e-12
    silent = replace(fit, weight=torch.zeros_like(batch.decoder))
    assert Association()(replace(batch, views=silent)).item() == pytest.approx(1)
