from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from scrcl_graph.nn.ops import csr_from_edges
from scrcl_graph.objectives import Batch, Objective
from scrcl_graph.testing import objective as kit

Dense = Callable[[Batch, Tensor], Tensor]  # the formula as it is written, with the N x N adjacency matrix


@dataclass
class Problem:
    """A batch in double precision and its leaves; the graph has no edge between the two halves of the cells."""

    batch: Batch
    leaves: tuple[Tensor, ...]

    @property
    def adjacency(self) -> Tensor:
        return torch.from_numpy(csr_from_edges(self.batch.graph).toarray()).double()


@pytest.fixture(params=[False, True], ids=["plain", "dropout"])
def problem(request: pytest.FixtureRequest) -> Problem:
    leaves = kit.random_leaves(dropout=request.param)
    return Problem(kit.batch_of(leaves), leaves)


@pytest.fixture
def check(problem: Problem) -> Callable[[Objective, Dense], None]:
    """Asserts that an objective has the value and the gradients of its dense formula."""

    def assert_equal(objective: Objective, dense: Dense) -> None:
        got, want = objective(problem.batch), dense(problem.batch, problem.adjacency)
        assert got.shape == ()
        torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)
        gradients = kit.gradients(want, problem.leaves)
        assert any(gradient.any() for gradient in gradients)
        for a, b in zip(kit.gradients(got, problem.leaves), gradients, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)

    return assert_equal


@pytest.fixture
def check_shards(problem: Problem) -> Callable[[Objective], None]:
    """Asserts that two half-batches whose sums are added give the value and the gradients of the whole."""

    def assert_equal(objective: Objective) -> None:
        whole, halves = objective(problem.batch), kit.halves(problem.batch)
        values = kit.all_reduced(objective, halves)
        for value in values:
            torch.testing.assert_close(value, whole, rtol=1e-10, atol=1e-10)
            for a, b in zip(kit.gradients(value, problem.leaves), kit.gradients(whole, problem.leaves), strict=True):
                torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
        alone = objective(halves[0])
        assert abs(alone - whole) > 1e-4  # the halves differ, so adding up matters

    return assert_equal


@pytest.fixture
def permuted(problem: Problem) -> Batch:
    """The batch with its cells in another order."""
    return kit.permuted(problem.batch)
