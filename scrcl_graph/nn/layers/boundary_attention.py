"""Smoothing over tissue that stops at boundaries."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Linear, Module, Parameter
from torch.nn.functional import softplus
from torch_geometric import EdgeIndex

from scrcl_graph.nn import ops


class BoundaryAttention(Module):
    r"""Attention to the neighbours that look alike: a mean over the neighbourhood that does not cross a boundary.

    .. math::
        Y_i = W \sum_{j \in N(i) \cup i} \alpha_{ij} x_j + b, \qquad
        \alpha_{ij} \propto \exp(-\beta \|P (x_i - x_j)\|^2 / v)

    v is the mean of :math:`\|P (x_i - x_j)\|^2` over all edges, so :math:`\beta \ge 0`, which is learned, has no unit:
    0 is the plain mean, and the larger it is the sharper a boundary stays. An even scaling of x changes no attention.
    All edges are those of the graph at hand: with this layer a tile, or new cells, change the embedding a little.

    Parameters
    ----------
    in_channels, out_channels
        Width of what comes in and goes out.
    sharpness
        :math:`\beta` at the start.
    metric_channels
        Rows of P.

    Shapes
    ------
    x
        n x ``in_channels``.
    edge_index
        2 x edges, without self loops; a node without edges keeps its own value.
    output
        n x ``out_channels``.
    """

    def __init__(self, in_channels: int, out_channels: int, sharpness: float = 1.0, metric_channels: int = 16) -> None:
        super().__init__()
        self.linear = Linear(in_channels, out_channels)
        self.metric = Linear(in_channels, metric_channels, bias=False)
        self.raw_sharpness = Parameter(torch.tensor(float(sharpness)).expm1().log())  # inverse of softplus

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """The smoothed and mapped features."""
        edges, _ = ops.sorted_by_destination(edge_index, (len(x), len(x)))
        near = self.closeness(x, edges)
        total = 1.0 + ops.segment(edges, near)  # the node itself is at distance 0
        mean: Tensor = (x + ops.spmm(edges, x, near)) / total[:, None]
        out: Tensor = self.linear(mean)
        return out

    def closeness(self, x: Tensor, edges: EdgeIndex) -> Tensor:
        r""":math:`\exp(-\beta \|P (x_i - x_j)\|^2 / v)` of every edge, in (0, 1]: small across a boundary."""
        source, target = edges.as_tensor()
        place = self.metric(x)
        gap = (place[source] - place[target]).square().sum(dim=1)
        spread = gap.mean().clamp_min(torch.finfo(x.dtype).tiny) if len(gap) else gap.new_ones(())
        near: Tensor = (-softplus(self.raw_sharpness) * gap / spread).exp()
        return near
