"""Distribution alignment between the two views of every cell."""

from __future__ import annotations

import torch
from torch import Tensor

from scrcl_graph.objectives._batch import Batch


class Alignment:
    r"""Symmetric KL divergence between the views, over the whole matrix and cell by cell (scRCL).

    .. math::
        L = KL(P_1 \| P_2) + KL(P_2 \| P_1)
            + \tfrac{1}{2} \operatorname{mean}_i [KL(p_1^i \| p_2^i) + KL(p_2^i \| p_1^i)]

    with :math:`p_v^i` the softmax of :math:`E_v^i / \tau` over dimensions and :math:`P_v` over all entries.
    The first part needs three sums over cells, the second one; entries of E are at most 1, so
    :math:`\exp((E - 1) / \tau)` cannot overflow.
    """

    name = "alignment"

    def __call__(self, batch: Batch) -> Tensor:
        """The value, a scalar tensor."""
        first, second = (view / batch.tau for view in batch.views.embeddings)
        mass_1, mass_2 = ((view - 1 / batch.tau).exp() for view in (first, second))
        # KL(P1||P2) + KL(P2||P1) = sum (P1 - P2)(E1 - E2) / tau: the normalising constants cancel.
        gap = first - second
        sums = torch.stack([mass_1.sum(), mass_2.sum(), (mass_1 * gap).sum(), (mass_2 * gap).sum()])
        total_1, total_2, gap_1, gap_2 = batch.total(sums)
        whole = gap_1 / total_1 - gap_2 / total_2

        difference = first.softmax(dim=1) - second.softmax(dim=1)
        per_cell = batch.total(torch.stack([(difference * gap).sum(), gap.new_full((), len(gap))]))
        value: Tensor = whole + 0.5 * per_cell[0] / per_cell[1]
        return value
