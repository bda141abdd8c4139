"""What our layers share: weighted sums over edges, fused when the edges come as an EdgeIndex."""

from __future__ import annotations

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

    def message_and_aggregate(self, edge_index: EdgeIndex, x: Tensor, edge_weight: Tensor) -> Tensor:  # type: ignore[override]
        """All messages and their sums at once."""
        source = x[0] if isinstance(x, tuple) else x
        return ops.spmm(edge_index, source, edge_weight)
