"""Attention between cells and genes whose scores are association scores."""

from __future__ import annotations

from torch import Tensor
from torch.nn import Linear, Module
from torch_geometric import EdgeIndex

from scrcl_graph.nn import ops


class AssociationAttention(Module):
    r"""Expression edges weighted by how much their two ends are associated.

    .. math::
        s_{ij} = \frac{(Q x_i) \cdot (K y_j)}{\sqrt d}, \qquad
        \alpha_{ij} = \frac{k_{ij} e^{s_{ij}}}{\sum_{j'} k_{ij'} e^{s_{ij'}}}, \qquad
        Z_i = \sum_j \alpha_{ij} V y_j

    j runs over the sources of i, and :math:`k_{ij}` is the weight of the edge (for a weight that does not depend on j
    this is scaled dot-product attention). The scores are a product of two thin factors, as all association scores in
    this package are, so they can be read for any pair of cell and gene (:meth:`factors`) and not only along edges.

    Shapes
    ------
    x
        The pair sources x ``in_channels[0]`` and destinations x ``in_channels[1]``.
    edge_index, edge_weight
        2 x edges and non-negative weights.
    output
        destinations x ``out_channels``; zero for a destination without edges.
    """

    def __init__(self, in_channels: tuple[int, int], out_channels: int, score_channels: int = 32) -> None:
        super().__init__()
        self.query = Linear(in_channels[1], score_channels, bias=False)
        self.key = Linear(in_channels[0], score_channels, bias=False)
        self.value = Linear(in_channels[0], out_channels, bias=False)

    def forward(self, x: tuple[Tensor, Tensor], edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        """The messages, weighted by attention."""
        edges, order = ops.sorted_by_destination(edge_index, (len(x[0]), len(x[1])))
        weight = edge_weight if order is None else edge_weight[order]
        return ops.spmm(edges, self.value(x[0]), self._attention(x, edges, weight))

    def factors(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Factors of the scores, sources x d and destinations x d: :math:`s_{ij}` is the product of their rows."""
        scale = self.query.out_features**-0.25
        return self.key(x[0]) * scale, self.query(x[1]) * scale

    def _attention(self, x: tuple[Tensor, Tensor], edges: EdgeIndex, weight: Tensor) -> Tensor:
        source, target = edges.as_tensor()
        keys, queries = self.factors(x)
        scores = (keys[source] * queries[target]).sum(dim=1)
        return ops.segment_softmax(edges, scores + weight.clamp_min(1e-30).log())
