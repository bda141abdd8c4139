"""What an objective must keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch_geometric import EdgeIndex

from scrcl_graph._registry import Spec
from scrcl_graph.nn import Views
from scrcl_graph.nn.ops import csr_from_edges, edges_from_csr
from scrcl_graph.objectives import Batch, Objective, make_objectives
from scrcl_graph.testing._contract import demand, draws, keep, same

_N, _GENES, _D = 24, 15, 5


def check_objective(objective: Spec, *, shards: bool = False) -> list[str]:
    """Check an objective.

    Contracts: a finite scalar; gradients (double precision, against differences), of which one is not zero; the order
    of the cells; and, with ``shards``, that two halves of the cells whose sums are added by ``batch.total`` give the
    value and the gradients of the whole.

    Parameters
    ----------
    objective
        A name, a function of a :class:`~scrcl_graph.objectives.Batch`, a class or an instance.
    shards
        Whether the objective claims to be a function of sums over cells.

    Returns
    -------
    The contracts kept.

    Raises
    ------
    ContractError
        If one is broken; the message says which and how.
    """
    (made,), _ = make_objectives({objective: 1.0})
    leaves = random_leaves()
    batch = batch_of(leaves)

    def scalar() -> None:
        value = made(batch)
        demand(isinstance(value, Tensor) and value.shape == (), "the value is not a scalar tensor")
        demand(value.isfinite(), f"the value is {float(value.detach())}")

    def gradient() -> None:
        gradcheck(lambda *tensors: made(batch_of(tensors)), leaves, atol=1e-4, rtol=1e-3)
        demand(any(grad.any() for grad in gradients(made(batch), leaves)), "no gradient reaches the network")

    def order() -> None:
        same(made(permuted(batch)), made(batch), "cells in another order give another value")

    def sums() -> None:
        whole = made(batch)
        for value in all_reduced(made, halves(batch)):
            same(value, whole, "the halves do not add to the whole")
            for part, all_of_it in zip(gradients(value, leaves), gradients(whole, leaves), strict=True):
                same(part, all_of_it, "the gradients of the halves do not add to those of the whole")

    contracts: dict[str, Callable[[], object]] = {"scalar": scalar, "gradient": gradient, "permutation": order}
    return keep(f"the objective '{made.name}'", contracts | ({"shards": sums} if shards else {}))


def random_leaves(dropout: bool = False) -> tuple[Tensor, ...]:
    """Both views, W, b and U of a batch in double precision; with ``dropout`` also what stands for the views."""
    draw = draws()
    sizes = [(_N, _D), (_N, _D), (_GENES, _D), (_GENES,), (_GENES, 3), *([(_N, _D)] * 2 if dropout else [])]
    return tuple(draw(*size).requires_grad_() for size in sizes)


def batch_of(leaves: Sequence[Tensor]) -> Batch:
    """The batch of these leaves; its graph has an isolated cell, and no edge between the two halves of the cells."""
    projected = (leaves[5], leaves[6]) if len(leaves) > 5 else None
    views = Views((leaves[0], leaves[1]), leaves[2], leaves[3], leaves[4], projected)
    draw = draws(1)
    return Batch(views, _graph(), draw(_N, 4), draw(_GENES, 4), tau=0.3)


def halves(batch: Batch) -> list[Batch]:
    """The two halves of the cells."""
    return [_rows(batch, np.arange(_N // 2)), _rows(batch, np.arange(_N // 2, _N))]


def permuted(batch: Batch) -> Batch:
    """The batch with its cells in another order."""
    return _rows(batch, np.random.default_rng(1).permutation(_N))


def gradients(value: Tensor, leaves: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Of a value with respect to every leaf, zero where there is none."""
    return torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True, materialize_grads=True)


def all_reduced(objective: Objective, shards: Sequence[Batch]) -> list[Tensor]:
    """The value on every shard when ``total`` adds over shards: pass after pass, one more sum becomes known."""
    known: list[Any] = []
    while True:
        replays = [_Replay(known) for _ in shards]
        values = [objective(replace(shard, total=own)) for shard, own in zip(shards, replays, strict=True)]
        if len(known) >= len(replays[0].passed):
            return values
        known.append(sum(replay.passed[len(known)] for replay in replays))


class _Replay:
    """``total`` of one shard: gives the sums that are known already, and records what is passed."""

    def __init__(self, known: list[Any]) -> None:
        self.known = known
        self.passed: list[Tensor] = []

    def __call__(self, x: Tensor) -> Any:
        self.passed.append(x)
        return self.known[len(self.passed) - 1] if len(self.passed) <= len(self.known) else x


def _rows(batch: Batch, rows: np.ndarray) -> Batch:
    def take(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return pair[0][rows], pair[1][rows]

    views, projected = batch.views, batch.views.projected
    return replace(
        batch,
        views=replace(views, hidden=take(views.hidden), projected=None if projected is None else take(projected)),
        graph=edges_from_csr(csr_from_edges(batch.graph)[rows][:, rows])[0],
        cell_x=batch.cell_x[rows],
    )


def _graph() -> EdgeIndex:
    rng = np.random.default_rng(0)
    upper = np.triu(rng.random((_N, _N)) < 0.25, k=1)
    upper[: _N // 2, _N // 2 :] = False
    upper[3], upper[:, 3] = False, False  # an isolated cell
    return edges_from_csr(sp.csr_matrix(upper | upper.T, dtype=np.float32))[0]
