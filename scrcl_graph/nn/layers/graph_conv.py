"""Graph convolution between cells."""

from __future__ import annotations

from torch import Tensor
from torch.nn import Linear, Module

from scrcl_graph.nn.layers.low_pass import LowPass


class GraphConvolution(Module):
    r"""Convolution with the normalised adjacency (Kipf and Welling 2017).

    .. math:: Y = \hat A X W + b

    :math:`\hat A X` is :class:`LowPass`, which says what the edges carry.

    Shapes
    ------
    x
        n x ``in_channels``, or a pair as for :class:`LowPass`.
    edge_index, edge_weight
        As for :class:`LowPass`.
    output
        n x ``out_channels``.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = Linear(in_channels, out_channels)
        self.low_pass = LowPass()

    def forward(self, x: Tensor | tuple[Tensor, Tensor], edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        """The convolved features."""
        # The sparse product costs edges x width: multiply on the narrow side, and sum an input that stays only once.
        weight, bias = self.linear.weight, self.linear.bias
        out: Tensor
        narrow = self.linear.out_features <= self.linear.in_features
        if isinstance(x, Tensor) and x.requires_grad and narrow:
            out = self.low_pass(x @ weight.T, edge_index, edge_weight) + bias
        else:
            out = self.linear(self.low_pass(x, edge_index, edge_weight))
        return out
