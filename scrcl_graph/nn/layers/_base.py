"""What our layers share: weighted sums over edges, fused when the edges come as an EdgeIndex."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
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
        self._seen: tuple[tuple[Tensor, int], ...] = ()
        self._key: object = None
        self._result: Tensor | None = None

    def __deepcopy__(self, _: dict[int, object]) -> Memo:
        return Memo()

    def __call__(self, compute: Callable[[], Tensor], *inputs: Tensor, key: object = None) -> Tensor:
        """The result of ``compute``, which depends on nothing but ``inputs`` and ``key``."""
        if any(tensor.requires_grad for tensor in inputs):
            return compute()
        same = (
            self._key == key
            and len(self._seen) == len(inputs)
            and all(
                tensor is seen and tensor._version == version
                for tensor, (seen, version) in zip(inputs, self._seen, strict=True)
            )
        )
        if not same or self._result is None:
            self._result = compute()
            self._seen = tuple((tensor, tensor._version) for tensor in inputs)
            self._key = key
        return self._result
