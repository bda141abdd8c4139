"""How the processes of a job share the cells: two verbs, which do nothing where there is one process."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


class Alone:
    """One process with all cells.

    Everything a process needs of the cells of the others while it computes is a ``total`` or a ``gather``, and both
    have exact gradients. Several processes take :class:`scrcl_graph.train.Team`.
    """

    size = 1

    def add_in_place(self, tensors: Sequence[Tensor]) -> None:
        """Make each tensor its sum over the processes, without a gradient."""

    def told(self, message: bytes | None) -> bytes | None:
        """What the first process says."""
        return message

    def total(self, x: Tensor) -> Tensor:
        """The sum of ``x`` over the processes."""
        return x

    def gather(self, x: Tensor) -> Tensor:
        """Rows of the own cells, n x d, followed by those of the cells of others that send messages to them."""
        return x


ALONE = Alone()
