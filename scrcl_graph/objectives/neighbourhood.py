"""Contrast of a cell's neighbours against all other cells."""

from __future__ import annotations

import torch
from torch import Tensor

from scrcl_graph.nn import ops
from scrcl_graph.objectives._batch import Batch


class NeighbourhoodContrast:
    r"""Divergence to the neighbours relative to the divergence to everyone (scRCL), in linear time.

    .. math::
        D_{ij} = KL(p_1^i \| p_2^j) + KL(p_2^j \| p_1^i), \qquad
        L = \operatorname{mean}_i
            \frac{\operatorname{mean}_{j \in N(i) \cup i} D_{ij}}{\operatorname{mean}_{j \ne i} D_{ij}}

    With :math:`l = \log p` and :math:`h_i = \sum_d p^i_d l^i_d` both means are sums of products:
    :math:`\sum_j D_{ij} = N h_1^i - p_1^i \cdot \sum_j l_2^j + \sum_j h_2^j - l_1^i \cdot \sum_j p_2^j`,
    and over neighbours the sums become sparse products with A. No N x N matrix is formed.
    """

    name = "neighbourhood"

    def __call__(self, batch: Batch) -> Tensor:
        """The value, a scalar tensor."""
        l1, l2 = ((view / batch.tau).log_softmax(dim=1) for view in batch.views.embeddings)
        p1, p2 = l1.exp(), l2.exp()
        h1, h2 = (p1 * l1).sum(dim=1), (p2 * l2).sum(dim=1)
        own = h1 - (p1 * l2).sum(dim=1) + h2 - (l1 * p2).sum(dim=1)

        d = l1.size(1)
        count = l1.new_full((1,), len(l1))
        sums = batch.total(torch.cat([l2.sum(dim=0), p2.sum(dim=0), h2.sum()[None], count]))
        n = sums[-1]
        everyone = n * h1 - p1 @ sums[:d] + sums[2 * d] - l1 @ sums[d : 2 * d]
        others = (everyone - own) / (n - 1)

        messages = ops.spmm(batch.graph, batch.gather(torch.cat([l2, p2, h2[:, None]], dim=1)))
        near_l, near_p, near_h = messages.split([d, d, 1], dim=1)
        degree = ops.degree(batch.graph).to(h1)
        near = degree * h1 - (p1 * near_l).sum(dim=1) + near_h[:, 0] - (l1 * near_p).sum(dim=1)
        ratio = (near + own) / (degree + 1) / others
        return batch.total(ratio.sum()) / n
