"""Sums over processes and rows of their neighbours' cells, both with exact gradients, by torch.distributed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function

from scrcl_graph._errors import LostProcessError
from scrcl_graph.nn import Alone
from scrcl_graph.train.shards import Shard


@contextmanager
def reached() -> Iterator[None]:
    """Raise LostProcessError where another process cannot be reached."""
    try:
        yield
    except RuntimeError as err:
        raise LostProcessError(
            "another process of this job ended or does not answer, so this one ends too; "
            f"started again with the same checkpoint it goes on from there ({str(err).splitlines()[0]})"
        ) from err


class Team(Alone):
    r"""The processes that train one network, each on its own shard of the cells.

    Every process computes the same loss from sums over all cells, and starts its backward pass from 1 / size of it.
    What is differentiated then is one function of the whole job, the mean of these equal losses, whose backward pass
    crosses processes wherever the forward pass did: the gradient of a sum is the sum of the gradients, that of a
    fetched row is sent back and added to those of its owner. The gradients of the parameters, added over the
    processes, are those of one process with all cells, up to the order of summation.

    Parameters
    ----------
    shard
        Of this process.
    device
        Where it computes.
    group
        Of the processes.

    Attributes
    ----------
    sent
        Bytes this process has sent so far.
    """

    def __init__(self, shard: Shard, device: torch.device, group: dist.ProcessGroup) -> None:
        self.size, self.group, self.sent = group.size(), group, 0
        self.rows = torch.from_numpy(np.concatenate(shard.sends)).to(device)
        self.sends, self.receives = [len(rows) for rows in shard.sends], shard.receives

    def total(self, x: Tensor) -> Tensor:
        """The sum of ``x`` over the processes."""
        out: Tensor = _Total.apply(x, self)
        return out

    def gather(self, x: Tensor) -> Tensor:
        """Rows of the own cells, n x d, followed by those of the halo."""
        out: Tensor = _Gather.apply(x, self)
        return out

    def add_in_place(self, tensors: Sequence[Tensor]) -> None:
        """Make each tensor its sum over the processes, all in one message."""
        summed = self._sum(torch.cat([tensor.flatten() for tensor in tensors]))
        for tensor, part in zip(tensors, summed.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def _sum(self, x: Tensor) -> Tensor:
        out = x.detach().clone(memory_format=torch.contiguous_format)
        with reached():
            dist.all_reduce(out, group=self.group)
        self.sent += 2 * (self.size - 1) * out.nbytes // self.size  # as a ring does it
        return out

    def told(self, message: bytes | None) -> bytes | None:
        """What the first process says."""
        box = [message]
        with reached():
            dist.broadcast_object_list(box, src=0, group=self.group)
        return box[0]

    def _exchange(self, x: Tensor, sends: list[int], receives: list[int]) -> Tensor:
        """Rows of ``x`` to every process in turn, so many to each, and theirs in return."""
        out = x.new_empty(sum(receives), *x.shape[1:])
        with reached():
            dist.all_to_all_single(out, x.contiguous(), receives, sends, group=self.group)
        self.sent += x.nbytes
        return out


class _Total(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, team: Team) -> Tensor:
        ctx.team = team
        return team._sum(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return ctx.team._sum(grads[0]), None


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, team: Team) -> Tensor:
        ctx.team = team
        return torch.cat([x, team._exchange(x[team.rows], team.sends, team.receives)])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        team, (grad,) = ctx.team, grads
        n = len(grad) - sum(team.receives)
        returned = team._exchange(grad[n:], team.receives, team.sends)
        return grad[:n].index_add(0, team.rows, returned), None
