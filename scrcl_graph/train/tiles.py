"""Training when the hidden layers of all cells do not fit: a tile of the cells at a time, with exact gradients."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import Module
from torch_geometric.data import HeteroData

from scrcl_graph._errors import InputError
from scrcl_graph.nn import RefinementNetwork, Scores, Views, check_sharding
from scrcl_graph.train.shards import by_locality, cut

# What is computed of a tile: of the network, the tile, rows of its sources or None, and tensors that all tiles share.
Step = Callable[..., tuple[Tensor, ...]]


@dataclass(frozen=True)
class Tile:
    """A part of the cells with the edges into them and all genes.

    Attributes
    ----------
    data
        The graph of the tile: its own cells; edges between cells come from these and then from its halo.
    sources
        Which cells of the whole graph these are, the own cells first.
    x
        The coordinates of the sources.
    """

    data: HeteroData
    sources: Tensor
    x: Tensor

    @property
    def cells(self) -> Tensor:
        """Which cells of the whole graph are the tile's own."""
        return self.sources[: self.data["cell"].num_nodes]


def cut_in_tiles(network: Module, data: HeteroData, n_cells: int | None) -> list[Tile] | None:
    """The cells in tiles of at most ``n_cells`` that lie close together; None where the graph is no larger.

    Raises
    ------
    InputError
        If a tile would be empty, or a layer cannot compute a part of the cells on its own
        (:func:`scrcl_graph.nn.check_sharding`).
    """
    x = data["cell"].x
    if n_cells is None or len(x) <= n_cells:
        return None
    if n_cells < 1:
        raise InputError(f"tile_cells is {n_cells}: give a tile at least one cell")
    check_sharding(network)
    return list(_tiles(data, -(-len(x) // n_cells)))


def in_tiles(network: Module, tiles: Sequence[Tile] | None) -> Callable[[HeteroData], Views]:
    """The network, or the same :class:`InTiles`."""
    if tiles is None:
        return network
    assert isinstance(network, RefinementNetwork)
    return InTiles(network, tiles)


class InTiles:
    """A network whose forward and backward pass hold the hidden layers of one tile at a time.

    Of every cell the forward pass keeps the one hidden layer that its neighbours read, and the two views, which the
    objectives see whole; the backward pass computes each tile again. So values and gradients are those of the network
    on the whole graph, up to the order of summation.

    Parameters
    ----------
    network
        One that :func:`cut_in_tiles` did not refuse.
    tiles
        All cells of the graph; networks can share them.
    """

    def __init__(self, network: RefinementNetwork, tiles: Sequence[Tile]) -> None:
        self.network = network
        # A copy for each tile, of the same parameters: layers remember the sums over edges that never change.
        shared = {id(parameter): parameter for parameter in network.parameters()}
        self._parts = [(copy.deepcopy(network, dict(shared)), tile) for tile in tiles]

    def __call__(self, data: HeteroData) -> Views:
        """As the network itself."""
        network = self.network
        (collected,) = self._run(_collected, summed=True)
        genes = network.genes(data, collected)
        own, state = self._run(_first_layers, genes.weight, genes.bias)
        (graph,) = self._run(_last_layers, around=state)
        return network.views(own, graph + network.smoothed(data, data["cell"].x), genes)

    def _run(self, step: Step, *held: Tensor, around: Tensor | None = None, summed: bool = False) -> tuple[Tensor, ...]:
        job = _Job(step, self._parts, len(held), summed)
        out: tuple[Tensor, ...] = _PerTile.apply(job, around, *held, *self.network.parameters())
        return out


def _collected(network: RefinementNetwork, tile: Tile, _: None) -> tuple[Tensor, ...]:
    return (network.collected(tile.data),)


def _first_layers(network: RefinementNetwork, tile: Tile, _: None, weight: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
    x = tile.data["cell"].x
    own = network.own(x)
    return own, network.mixed(tile.data, (tile.x, x), Scores(own, weight, bias))


def _last_layers(network: RefinementNetwork, tile: Tile, around: Tensor) -> tuple[Tensor, ...]:
    return (network.spread(tile.data, (around, around[: tile.data["cell"].num_nodes])),)


@dataclass(frozen=True)
class _Job:
    step: Step
    parts: Sequence[tuple[RefinementNetwork, Tile]]
    n_held: int
    summed: bool


class _PerTile(Function):
    """What a step gives for every tile, as rows of all cells or added up; without keeping what is between."""

    @staticmethod
    def forward(ctx: Any, job: _Job, around: Tensor | None, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.job = job
        ctx.save_for_backward(around, *tensors)
        device = tensors[-1].device.type
        ctx.precision = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
        n_cells = sum(len(tile.cells) for _, tile in job.parts)
        out: list[Tensor] = []
        for network, tile in job.parts:
            near = None if around is None else around[tile.sources]
            found = job.step(network, tile, near, *tensors[: job.n_held])
            if job.summed:
                out = [a + b for a, b in zip(out, found, strict=True)] if out else list(found)
                continue
            out = out or [values.new_empty(n_cells, values.size(1)) for values in found]
            for whole, values in zip(out, found, strict=True):
                whole[tile.cells] = values
        return tuple(out)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        job = ctx.job
        around, *tensors = ctx.saved_tensors
        held, parameters = [one.detach() for one in tensors[: job.n_held]], tensors[job.n_held :]
        for one in held:
            one.requires_grad_()
        whole = [*held, *parameters]
        totals = [torch.zeros_like(one) for one in whole]
        of_cells = None if around is None else torch.zeros_like(around)
        for network, tile in job.parts:
            near = None if around is None else around[tile.sources].requires_grad_()
            enabled, dtype = ctx.precision
            with torch.enable_grad(), torch.autocast(grads[0].device.type, dtype, enabled):
                found = job.step(network, tile, near, *held)
            upstream = grads if job.summed else [grad[tile.cells] for grad in grads]
            inputs = whole if near is None else [*whole, near]
            given = torch.autograd.grad(found, inputs, upstream, allow_unused=True)
            for total, grad in zip(totals, given, strict=False):
                if grad is not None:
                    total += grad
            if of_cells is not None and given[-1] is not None:
                of_cells.index_add_(0, tile.sources, given[-1])
        return None, of_cells, *totals


def _tiles(data: HeteroData, n_tiles: int) -> Iterator[Tile]:
    whole = data["cell"].x
    for shard in cut(data, by_locality(whole.cpu().numpy(), n_tiles)):
        graph = shard.to_hetero().to(whole.device)
        sources = torch.from_numpy(shard.sources).to(whole.device)
        x = whole[sources]
        graph["cell"].x = x[: graph["cell"].num_nodes]
        yield Tile(graph, sources, x)
