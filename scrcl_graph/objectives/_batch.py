"""What an objective sees: two views of the cells, their genes, their graph, and how to add up over shards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor
from torch_geometric import EdgeIndex

from scrcl_graph.nn import ALONE, Views


@dataclass(frozen=True)
class Batch:
    """Input of every objective. n cells, g genes.

    Attributes
    ----------
    views
        The output of the network: embeddings, refined embeddings and the factors of the association scores.
    graph
        Cell-cell edges A, symmetric, without self loops; those into the own cells where processes share the cells.
    cell_x, decoder
        n x p and g x p: their product estimates the z-scores of expression.
    tau
        Temperature of the softmax over dimensions.
    total
        Adds a tensor over all shards of cells; the identity in one process.
    gather
        Rows of the n cells, then those of the cells of other shards that ``graph`` has edges from; the identity in one
        process.
    """

    views: Views
    graph: EdgeIndex
    cell_x: Tensor
    decoder: Tensor
    tau: float = 0.1
    total: Callable[[Tensor], Tensor] = ALONE.total
    gather: Callable[[Tensor], Tensor] = ALONE.gather


class Objective(Protocol):
    """A callable from a :class:`Batch` to a scalar to be minimised."""

    name: str

    def __call__(self, batch: Batch) -> Tensor:
        """The value, a scalar tensor."""
        ...
