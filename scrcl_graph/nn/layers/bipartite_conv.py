"""Messages along expression edges, from genes to cells or from cells to genes."""

from __future__ import annotations

from torch import Tensor
from torch.nn import Linear

from scrcl_graph.nn.layers._base import Memo, WeightedSum


class BipartiteConvolution(WeightedSum):
    r"""Messages between the two node types along the entries of the expression matrix.

    .. math:: Y = K X W, \qquad K_{ij} = x_{ij} / \sqrt{r_i c_j}

    Shapes
    ------
    x
        sources x ``in_channels``, or the pair of sources and destinations, the latter of which only tell the size.
    edge_index, edge_weight
        2 x edges and the entries of K.
    size
        (sources, destinations).
    output
        destinations x ``out_channels``.
    """

    def __init__(self, in_channels: int | tuple[int, int], out_channels: int) -> None:
        super().__init__()
        width = in_channels[0] if isinstance(in_channels, tuple) else in_channels
        self.linear = Linear(width, out_channels, bias=False)
        self._memo = Memo()

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor | None],
        edge_index: Tensor,
        edge_weight: Tensor,
        size: tuple[int, int] | None = None,
    ) -> Tensor:
        """The summed messages."""
        source, target = x if isinstance(x, tuple) else (x, None)
        if size is None and target is not None:
            size = (len(source), len(target))

        def compute() -> Tensor:
            summed: Tensor = self.propagate(edge_index, x=(source, None), edge_weight=edge_weight, size=size)
            return summed

        out: Tensor = self.linear(self._memo(compute, source, edge_index, edge_weight, key=size))
        return out
