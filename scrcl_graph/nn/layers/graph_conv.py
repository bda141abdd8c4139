"""Graph convolution between cells."""

from __future__ import annotations

from torch import Tensor
from torch.nn import Linear
from torch_geometric.utils import degree

from scrcl_graph.nn.layers._base import Memo, WeightedSum


class GraphConvolution(WeightedSum):
    r"""Convolution with the normalised adjacency (Kipf and Welling 2017).

    .. math:: Y = \hat A X W + b, \qquad \hat A = D^{-1/2} (A + I) D^{-1/2}

    The diagonal of :math:`\hat A`, :math:`1 / (deg + 1)`, is added here and is not among the edges.

    Shapes
    ------
    x
        n x ``in_channels``.
    edge_index
        2 x edges, symmetric, without self loops.
    edge_weight
        The off-diagonal entries of :math:`\hat A`, as :func:`scrcl_graph.gr.propagation` makes them.
    output
        n x ``out_channels``.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = Linear(in_channels, out_channels)
        self._memo = Memo()

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        """The convolved features."""
        # The sparse product costs edges x width: multiply on the narrow side, and sum an input that stays only once.
        weight, bias = self.linear.weight, self.linear.bias
        out: Tensor
        if x.requires_grad and self.linear.out_features <= self.linear.in_features:
            out = self.propagate_hat(x @ weight.T, edge_index, edge_weight) + bias
        else:
            out = self.propagate_hat(x, edge_index, edge_weight) @ weight.T + bias
        return out

    def propagate_hat(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        r""":math:`\hat A X`, without parameters: the low-pass filter."""

        def compute() -> Tensor:
            own = 1.0 / (degree(edge_index[1], num_nodes=len(x), dtype=x.dtype) + 1.0)
            neighbours: Tensor = self.propagate(edge_index, x=x, edge_weight=edge_weight)
            own_share: Tensor = own[:, None] * x
            return neighbours + own_share

        return self._memo(compute, x, edge_index, edge_weight)
