from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric import EdgeIndex

from scrcl_graph.nn import Views
from scrcl_graph.nn.ops import csr_from_edges, edges_from_csr
from scrcl_graph.objectives import Batch, Objective

Dense = Callable[[Batch, Tensor], Tensor]  # the formula as it is written, with the N x N adjacency matrix
N, HALF, GENES, D = 24, 12, 15, 5


@dataclass
class Problem:
    """A batch in double precision and its leaves; the graph has no edge between the two halves of the cells."""

    batch: Batch
    leaves: tuple[Tensor, ...]

    @property
    def adjacency(self) -> Tensor:
        return torch.from_numpy(csr_from_edges(self.batch.graph).toarray()).double()

    def halves(self) -> list[Batch]:
        adjacency = csr_from_edges(self.batch.graph)
        return [
            replace(
                self.batch,
                views=replace(self.batch.views, hidden=(one[part], two[part]), projected=_rows(self.batch.views, part)),
                graph=edges_from_csr(adjacency[part][:, part])[0],
                cell_x=self.batch.cell_x[part],
            )
            for one, two in [self.batch.views.hidden]
            for part in (slice(0, HALF), slice(HALF, N))
        ]


def _rows(views: Views, part: slice) -> tuple[Tensor, Tensor] | None:
    return None if views.projected is None else (views.projected[0][part], views.projected[1][part])


def _graph() -> EdgeIndex:
    rng = np.random.default_rng(0)
    upper = np.triu(rng.random((N, N)) < 0.25, k=1)
    upper[:HALF, HALF:] = False
    upper[3], upper[:, 3] = False, False  # an isolated cell
    return edges_from_csr(sp.csr_matrix(upper | upper.T, dtype=np.float32))[0]


@pytest.fixture(params=[False, True], ids=["plain", "dropout"])
def problem(request: pytest.FixtureRequest) -> Problem:
    generator = torch.Generator().manual_seed(0)

    def leaf(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator, dtype=torch.float64).requires_grad_()

    leaves = (leaf(N, D), leaf(N, D), leaf(GENES, D), leaf(GENES), leaf(GENES, 3), leaf(N, D), leaf(N, D))
    projected = leaves[5:] if request.param else None
    views = Views(leaves[:2], *leaves[2:5], projected)
    fixed = (leaf(N, 4).detach(), leaf(GENES, 4).detach())
    return Problem(Batch(views, _graph(), *fixed, tau=0.3), leaves)


def _gradients(value: Tensor, leaves: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True, materialize_grads=True)


@pytest.fixture
def check(problem: Problem) -> Callable[[Objective, Dense], None]:
    """Asserts that an objective has the value and the gradients of its dense formula."""

    def assert_equal(objective: Objective, dense: Dense) -> None:
        got, want = objective(problem.batch), dense(problem.batch, problem.adjacency)
        assert got.shape == ()
        torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)
        gradients = _gradients(want, problem.leaves)
        assert any(gradient.any() for gradient in gradients)
        for a, b in zip(_gradients(got, problem.leaves), gradients, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)

    return assert_equal


class _Replay:
    """``total`` of one shard: gives the sums that are known already, and records what is passed."""

    def __init__(self, known: list[Tensor]) -> None:
        self.known, self.passed = known, []

    def __call__(self, x: Tensor) -> Tensor:
        self.passed.append(x)
        return self.known[len(self.passed) - 1] if len(self.passed) <= len(self.known) else x


def _all_reduced(objective: Objective, shards: Sequence[Batch]) -> list[Tensor]:
    """The value on every shard when ``total`` adds over shards: pass after pass, one more sum becomes known."""
    known: list[Tensor] = []
    while True:
        replays = [_Replay(known) for _ in shards]
        values = [objective(replace(shard, total=own)) for shard, own in zip(shards, replays, strict=True)]
        if len(known) == len(replays[0].passed):
            return values
        known.append(sum(replay.passed[len(known)] for replay in replays))


@pytest.fixture
def check_shards(problem: Problem) -> Callable[[Objective], None]:
    """Asserts that two half-batches whose sums are added give the value and the gradients of the whole."""

    def assert_equal(objective: Objective) -> None:
        whole, halves = objective(problem.batch), problem.halves()
        values = _all_reduced(objective, halves)
        for value in values:
            torch.testing.assert_close(value, whole, rtol=1e-10, atol=1e-10)
            for a, b in zip(_gradients(value, problem.leaves), _gradients(whole, problem.leaves), strict=True):
                torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
        alone = objective(halves[0])
        assert abs(alone - whole) > 1e-4  # the halves differ, so adding up matters

    return assert_equal


@pytest.fixture
def permuted(problem: Problem) -> Batch:
    """The batch with its cells in another order."""
    order = torch.randperm(N, generator=torch.Generator().manual_seed(1))
    first, second = problem.batch.views.hidden
    projected = problem.batch.views.projected
    views = replace(
        problem.batch.views,
        hidden=(first[order], second[order]),
        projected=None if projected is None else (projected[0][order], projected[1][order]),
    )
    adjacency = csr_from_edges(problem.batch.graph)[order.numpy()][:, order.numpy()]
    return replace(problem.batch, views=views, graph=edges_from_csr(adjacency)[0], cell_x=problem.batch.cell_x[order])
