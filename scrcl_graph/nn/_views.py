"""What every network returns: two views of the cells and the gene side that ties them together."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from torch import Tensor
from torch.nn.functional import normalize

from scrcl_graph.nn import ops


@dataclass(frozen=True)
class Scores:
    r"""Association scores :math:`s_{ij} = h_i \cdot w_j + b_j` of n cells and g genes.

    Attributes
    ----------
    cells
        h, n x d.
    genes
        w, genes x d.
    bias
        b, genes.
    """

    cells: Tensor
    genes: Tensor
    bias: Tensor

    def along(self, cells: Tensor, genes: Tensor) -> Tensor:
        """The scores of pairs of a cell and a gene, given by two index vectors of one length."""
        return (self.cells[cells] * self.genes[genes]).sum(dim=1) + self.bias[genes]


@dataclass(frozen=True)
class Views:
    r"""Two views of n cells, and g genes. Scores :math:`R_v = H_v W^\top + 1 b^\top` are never formed whole.

    Attributes
    ----------
    hidden
        H_1 and H_2, each n x d.
    weight
        W, genes x d.
    bias
        b, genes.
    messages
        U, genes x d': what each gene sends back to the cells associated with it.
    projected
        What stands for H_v in the scores while training, if not H_v itself (dropout).
    attended
        h of the scores that the network attended by, n x d, if it did.
    """

    hidden: tuple[Tensor, Tensor]
    weight: Tensor
    bias: Tensor
    messages: Tensor
    projected: tuple[Tensor, Tensor] | None = None
    attended: Tensor | None = None

    @cached_property
    def embeddings(self) -> tuple[Tensor, Tensor]:
        """E_1 and E_2: the views with rows of unit length."""
        first, second = self.hidden
        return normalize(first, dim=1), normalize(second, dim=1)

    @property
    def scores(self) -> Scores:
        """The scores that are exported: those the network attended by, else the mean of both views."""
        first, second = self.hidden
        return Scores((first + second) / 2 if self.attended is None else self.attended, self.weight, self.bias)

    @property
    def refined(self) -> tuple[Tensor, Tensor]:
        r"""Z_1 and Z_2: rows of :math:`R_v U = H_v (W^\top U) + 1 (b^\top U)` scaled to unit length."""
        mix = self.weight.T @ self.messages
        shift = self.bias @ self.messages
        first, second = self.projected or self.hidden
        return normalize(first @ mix + shift, dim=1), normalize(second @ mix + shift, dim=1)

    def at_least_single(self) -> Views:
        """The same in single precision or better: objectives subtract large sums, which half precision cannot hold."""

        def raised(part: Any) -> Any:
            if isinstance(part, tuple):
                return tuple(map(raised, part))
            return None if part is None else ops.at_least_single(part)

        return Views(**{part.name: raised(getattr(self, part.name)) for part in fields(self)})
