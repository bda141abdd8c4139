"""Agreement of the association scores with the expression they stand for."""

from __future__ import annotations

import torch
from torch import Tensor

from scrcl_graph.nn.layers import Memo
from scrcl_graph.objectives._batch import Batch


class Association:
    r"""Share of the expression structure that the association scores leave unexplained, in linear time.

    With F the coordinates of the cells and G their decoder, :math:`F G^\top` is the low-rank estimate of the z-scores,
    and

    .. math:: L = \tfrac12 \sum_v \frac{\| H_v W^\top + 1 b^\top - F G^\top \|_F^2}{\| F G^\top \|_F^2}.

    Both factors are thin, so every term is a product of matrices of size d x d: with :math:`\tilde H = [H, 1]` and
    :math:`\tilde W = [W, b]`, :math:`\|\tilde H \tilde W^\top\|^2 = tr(\tilde H^\top \tilde H \tilde W^\top \tilde W)`,
    and alike for the other two. Not in the paper, whose scores are tied to expression by nothing.
    """

    name = "association"

    def __init__(self) -> None:
        self._size = Memo()

    def __call__(self, batch: Batch) -> Tensor:
        """The value, a scalar tensor; 0 is a perfect fit, 1 the fit of a zero score."""
        gene = torch.cat([batch.views.weight, batch.views.bias[:, None]], dim=1)
        cell_x, gene_x = batch.cell_x, batch.decoder
        size = self._size(lambda: _inner(batch.total(cell_x.T @ cell_x), gene_x.T @ gene_x), cell_x, gene_x)
        first, second = (torch.cat([view, torch.ones_like(view[:, :1])], dim=1) for view in batch.views.hidden)
        own = _inner(batch.total(first.T @ first + second.T @ second), gene.T @ gene)
        cross = _inner(batch.total((first + second).T @ cell_x), gene.T @ gene_x)
        return (own / 2 - cross) / size + 1


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum()
