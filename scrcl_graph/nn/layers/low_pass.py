"""Smoothing over a graph of cells, without parameters."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch_geometric.utils import degree

from scrcl_graph.nn._sharing import ALONE
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
        n x d; or, where processes share the cells, the pair of the sources and of the n destinations.
    edge_index
        2 x edges, symmetric, without self loops.
    edge_weight
        The off-diagonal entries of :math:`\hat A`, as :func:`scrcl_graph.gr.propagation` makes them.
    gather
        From destinations to sources, for steps after the first (:meth:`scrcl_graph.nn.Alone.gather`).
    output
        n x d.
    """

    def __init__(self, steps: int = 1) -> None:
        super().__init__()
        self.steps = steps
        self._memo = Memo()

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        edge_index: Tensor,
        edge_weight: Tensor,
        gather: Callable[[Tensor], Tensor] = ALONE.gather,
    ) -> Tensor:
        """The smoothed features. An input that stays the same is smoothed only once."""
        first, cells = x if isinstance(x, tuple) else (x, x)

        def compute() -> Tensor:
            own = (1.0 / (degree(edge_index[1], num_nodes=len(cells), dtype=cells.dtype) + 1.0))[:, None]
            sources, out = first, cells
            for step in range(self.steps):
                if step > 0:
                    sources = gather(out)
                size = (len(sources), len(out))
                neighbours: Tensor = self.propagate(edge_index, x=(sources, None), edge_weight=edge_weight, size=size)
                out = torch.addcmul(neighbours, own, out)
            return out

        return self._memo(compute, first, cells, edge_index, edge_weight)
