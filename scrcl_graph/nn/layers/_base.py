"""What our layers share: weighted sums over edges, fused when the edges come as an EdgeIndex."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn import Module
from torch_geometric import EdgeIndex
from torch_geometric.nn import MessagePassing

from scrcl_graph.nn import ops


class WeightedSum(MessagePassing):
    """Sum of weighted messages: CSR product for an :class:`EdgeIndex`, gather and scatter for a plain ``edge_index``.

    Both give the same values. Subclasses call ``propagate(edge_index, x=x, edge_weight=edge_weight)``.
    """

    SUPPORTS_FUSED_EDGE_INDEX = True

    def __init__(self) -> None:
        super().__init__(aggr="sum")

    def message(self, x_j: Tensor, edge_weight: Tensor) -> Tensor:
        """One message per edge."""
        return edge_weight[:, None] * x_j

    def message_and_aggregate(
        self, edge_index: EdgeIndex, x: Tensor | tuple[Tensor, None], edge_weight: Tensor
    ) -> Tensor:
        """All messages and their sums at once."""
        source = x[0] if isinstance(x, tuple) else x
        return ops.spmm(edge_index, source, edge_weight)


class Memo:
    """The last result of a computation on tensors, given again while the very same tensors come unchanged.

    Messages of the first layer run over the whole expression matrix, and their input never changes while a network is
    trained: they are summed once, not once per epoch. Tensors that need a gradient are never remembered, and a deep
    copy remembers nothing.
    """

    def __init__(self) -> None:
        self._last: tuple[object, tuple[tuple[Tensor, int], ...], Tensor] | None = None

    def __deepcopy__(self, _: dict[int, object]) -> Memo:
        return Memo()

    def __call__(self, compute: Callable[[], Tensor], *inputs: Tensor, key: object = None) -> Tensor:
        """The result of ``compute``, which depends on nothing but ``inputs`` and ``key``."""
        if any(tensor.requires_grad for tensor in inputs):
            return compute()
        last = self._last  # read and written whole: networks trained side by side may share a memo
        if last is not None:
            asked, seen, result = last
            if (
                asked == key
                and len(seen) == len(inputs)
                and all(
                    tensor is before and tensor._version == version
                    for tensor, (before, version) in zip(inputs, seen, strict=True)
                )
            ):
                return result
        result = compute()
        self._last = key, tuple((tensor, tensor._version) for tensor in inputs), result
        return result


def share_memos(networks: Sequence[Module]) -> None:
    """Let networks that differ in weights only remember in common: what one summed, the others need not.

    A memo holds what depends on its inputs alone, so it is the same in each. Networks of different parts are left as
    they are.
    """
    if len({tuple(map(type, network.modules())) for network in networks}) > 1:
        return
    for parts in zip(*(network.modules() for network in networks), strict=True):
        for name, value in vars(parts[0]).items():
            if isinstance(value, Memo):
                for part in parts[1:]:
                    setattr(part, name, value)
