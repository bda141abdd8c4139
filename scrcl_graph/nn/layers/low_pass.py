"""Smoothing over a graph of cells, without parameters."""

from __future__ import annotations

from torch import Tensor
from torch_geometric.utils import degree

from scrcl_graph.nn.layers._base import Memo, WeightedSum


class LowPass(WeightedSum):
    r"""Low-pass filter of the normalised adjacency.

    .. math:: Y = \hat A^t X, \qquad \hat A = D^{-1/2} (A + I) D^{-1/2}

    The diagonal of :math:`\hat A`, :math:`1 / (deg + 1)`, is added here and is not among the edges.

    Parameters
    ----------
    steps
        t.

    Shapes
    ------
    x
        n x d.
    edge_index
        2 x edges, symmetric, without self loops.
    edge_weight
        The off-diagonal entries of :math:`\hat A`, as :func:`scrcl_graph.gr.propagation` makes them.
    output
        n x d.
    """

    def __init__(self, steps: int = 1) -> None:
        super().__init__()
        self.steps = steps
        self._memo = Memo()

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        """The smoothed features. An input that stays the same is smoothed only once."""

        def compute() -> Tensor:
            own = (1.0 / (degree(edge_index[1], num_nodes=len(x), dtype=x.dtype) + 1.0))[:, None]
            out = x
            for _ in range(self.steps):
                neighbours: Tensor = self.propagate(edge_index, x=out, edge_weight=edge_weight)
                out = neighbours + own * out
            return out

        return self._memo(compute, x, edge_index, edge_weight)
