"""Signed convolution between genes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Linear

from scrcl_graph.nn.layers._base import Memo, WeightedSum


class GeneConvolution(WeightedSum):
    r"""Convolution over the signed correlation graph: a negative correlation sends a negated message.

    .. math:: Y_g = W_0 x_g + W_1 \sum_h \frac{\rho_{gh}}{\sum_{h'} |\rho_{gh'}|} x_h + b

    Shapes
    ------
    x
        genes x ``in_channels``.
    edge_index, edge_weight
        2 x edges and the signed weights :math:`\rho`. A gene without edges keeps the first term only.
    output
        genes x ``out_channels``.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.own = Linear(in_channels, out_channels)
        self.others = Linear(in_channels, out_channels, bias=False)
        self._share, self._mixed = Memo(), Memo()

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        """The convolved features."""

        def shares() -> Tensor:
            strength = torch.zeros(len(x), dtype=x.dtype, device=x.device)
            strength = strength.index_add(0, edge_index[1], edge_weight.abs()).clamp_min(torch.finfo(x.dtype).tiny)
            return edge_weight / strength[edge_index[1]]

        share = self._share(shares, edge_index, edge_weight, key=(len(x), x.dtype))
        mixed = self._mixed(lambda: self.propagate(edge_index, x=x, edge_weight=share), x, edge_index, share)
        out: Tensor = self.own(x) + self.others(mixed)
        return out
