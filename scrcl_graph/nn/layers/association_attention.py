"""Attention of cells to genes whose scores are the association scores."""

from __future__ import annotations

from torch import Tensor
from torch.nn import Linear, Module
from torch_geometric import EdgeIndex

from scrcl_graph.nn import ops
from scrcl_graph.nn._views import Scores


class AssociationAttention(Module):
    r"""Expression edges weighted by how much the cell and the gene are associated.

    .. math::
        \alpha_{ij} = \frac{k_{ij} e^{s_{ij} / \sqrt d}}{\sum_{j'} k_{ij'} e^{s_{ij'} / \sqrt d}}, \qquad
        Z_i = \sum_j \alpha_{ij} V y_j

    j runs over the genes of cell i, :math:`k_{ij}` is the weight of the edge, and :math:`s_{ij} = h_i \cdot w_j + b_j`
    are the association scores that the network itself holds, and which its objectives train: scaled dot-product
    attention (Vaswani et al. 2017) with the cells as queries and the genes as keys. A network that attends by these
    scores exports them (:class:`RefinementNetwork`). From cells to genes, where they are not known yet, s = 0 and the
    layer is a mean weighted by expression.

    Shapes
    ------
    x
        The pair sources x ``in_channels[0]`` and destinations x ``in_channels[1]``.
    edge_index, edge_weight
        2 x edges and non-negative weights.
    scores
        h, w and b as :class:`Scores`, or None.
    output
        destinations x ``out_channels``; zero for a destination without edges.
    """

    def __init__(self, in_channels: tuple[int, int], out_channels: int) -> None:
        super().__init__()
        self.value = Linear(in_channels[0], out_channels, bias=False)

    def forward(
        self, x: tuple[Tensor, Tensor], edge_index: Tensor, edge_weight: Tensor, scores: Scores | None = None
    ) -> Tensor:
        """The messages, weighted by attention."""
        edges, order = ops.sorted_by_destination(edge_index, (len(x[0]), len(x[1])))
        weight = edge_weight if order is None else edge_weight[order]
        return ops.spmm(edges, self.value(x[0]), self.attention(edges, weight, scores))

    def attention(self, edges: EdgeIndex, edge_weight: Tensor, scores: Scores | None) -> Tensor:
        r""":math:`\alpha` of every edge of a graph sorted by destination; those of a cell add to one."""
        logits = edge_weight.clamp_min(1e-30).log()
        if scores is not None:
            genes, cells = edges.as_tensor()
            logits = logits + scores.along(cells, genes) * scores.cells.size(1) ** -0.5
        return ops.segment_softmax(edges, logits)
