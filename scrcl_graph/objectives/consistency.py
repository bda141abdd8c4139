"""Cross-view consistency of the gene-refined embeddings with the cell graph."""

from __future__ import annotations

import torch
from torch import Tensor

from scrcl_graph.nn import ops
from scrcl_graph.objectives._batch import Batch


class Consistency:
    r"""Similarity across views should reproduce the graph (scRCL), in linear time.

    .. math:: L = \| Z_1 Z_2^\top - (A + I) \|_F^2 / N^2

    The square is expanded: :math:`\operatorname{tr}(Z_1^\top Z_1 Z_2^\top Z_2)
    - 2 [\sum_{(i,j) \in A} z_1^i \cdot z_2^j + \sum_i z_1^i \cdot z_2^i] + nnz(A) + N`.
    """

    name = "consistency"

    def __call__(self, batch: Batch) -> Tensor:
        """The value, a scalar tensor."""
        z1, z2 = batch.views.refined
        linked = (z1 * (ops.spmm(batch.graph, batch.gather(z2)) + z2)).sum()
        counts = [z1.new_full((1,), count) for count in (batch.graph.size(1), len(z1))]
        sums = batch.total(torch.cat([(z1.T @ z1).flatten(), (z2.T @ z2).flatten(), linked[None], *counts]))
        d2 = z1.size(1) ** 2
        linked, edges, n = sums[-3], sums[-2], sums[-1]
        return ((sums[:d2] * sums[d2 : 2 * d2]).sum() - 2 * linked + edges + n) / n**2
