"""Any message-passing layer in the place of ours: what it takes is read from its signatures, then tried out."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Identity, LazyLinear, Linear, Module, ReLU, Sequential
from torch_geometric import EdgeIndex
from torch_geometric.nn import MessagePassing

from scrcl_graph._errors import InputError
from scrcl_graph.nn._views import Scores


@dataclass(frozen=True)
class Place:
    """Where in the network a layer stands.

    Attributes
    ----------
    relation
        For messages: ``"cell-cell"``.
    in_channels
        Width of the sources; of sources and destinations where these are of two types.
    out_channels
        Width the network goes on with.
    signed
        Whether weights of edges can be negative.
    """

    relation: str
    in_channels: int | tuple[int, int]
    out_channels: int
    signed: bool = False

    @property
    def bipartite(self) -> bool:
        """Whether messages go from one node type to another."""
        return isinstance(self.in_channels, tuple)


class AdaptedLayer(Module):
    r"""A layer with one call for all: ``(x, edge_index, edge_weight)`` to destinations x ``out_channels``.

    Only what a layer has a parameter for is passed:

    ================================= ==================================================================
    parameter of the constructor      gets
    ================================= ==================================================================
    ``in_channels``                   width of x, a pair where the relation joins cells and genes
    ``channels``                      width of x
    ``out_channels``                  width wanted, divided by ``heads`` where these are joined
    ``nn``                            two linear maps with a ReLU between (GIN and its like)
    ``edge_dim``                      1
    ``add_self_loops``                False where the relation joins cells and genes
    ``metadata``                      the one relation, for layers on dictionaries (HGT, HAN)
    anything else                     what the user gives as an option; options go before all of these
    --------------------------------- ------------------------------------------------------------------
    parameter of ``forward``
    --------------------------------- ------------------------------------------------------------------
    ``x``, ``x_dict``                 features, a pair (sources, destinations) between cells and genes
    ``edge_index``                    an ``EdgeIndex`` sorted by destination; a plain tensor for PyG layers
    ``edge_weight``                   edges
    ``edge_attr``                     edges x 1
    ``size``                          (sources, destinations) between cells and genes
    ``scores``                        :class:`Scores` of the network, from genes to cells only; must have a default
    ================================= ==================================================================

    An output of another width is mapped to the width wanted by one linear map.
    """

    def __init__(self, layer: Module, place: Place, name: str) -> None:
        super().__init__()
        self.layer = layer
        self.place, self.name = place, name
        self._takes = frozenset(inspect.signature(layer.forward).parameters)
        # PyG's own fused path for an EdgeIndex has no backward pass between two node types.
        self._plain = any(_is_pyg(type(module)) for module in layer.modules())
        width = self._try_out()
        self.out = Identity() if width == place.out_channels else Linear(width, place.out_channels)

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        edge_index: Tensor,
        edge_weight: Tensor,
        scores: Scores | None = None,
    ) -> Tensor:
        """The messages of the relation, destinations x ``out_channels``."""
        out: Tensor = self.out(self._call(x, edge_index, edge_weight, scores))
        return out

    @property
    def takes_scores(self) -> bool:
        """Whether the layer can attend by the association scores of the network."""
        return "scores" in self._takes

    def _call(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        edge_index: Tensor,
        edge_weight: Tensor,
        scores: Scores | None = None,
    ) -> Any:
        if self._plain and isinstance(edge_index, EdgeIndex):
            edge_index = edge_index.as_tensor()
        if "x_dict" in self._takes:
            source, label, target = _relation(self.place)
            nodes = {source: x[0], target: x[1]} if isinstance(x, tuple) else {source: x}
            return self.layer(nodes, {(source, label, target): edge_index})[target]
        options: dict[str, Any] = {}
        if "edge_weight" in self._takes:
            options["edge_weight"] = edge_weight
        elif "edge_attr" in self._takes:
            options["edge_attr"] = edge_weight[:, None]
        if "size" in self._takes and isinstance(x, tuple):
            options["size"] = (len(x[0]), len(x[1]))
        if scores is not None and self.takes_scores:
            options["scores"] = scores
        return self.layer(x, edge_index, **options)

    @torch.no_grad()
    def _try_out(self) -> int:
        """Run the layer on three nodes: sets lazy widths, and finds a layer that does not fit before any training."""
        place, training = self.place, self.layer.training
        n_destinations = 2 if place.bipartite else 3
        edges = EdgeIndex([[0, 1, 2], [1, 0, 1]], sparse_size=(3, n_destinations)).sort_by("col").values
        weight = torch.tensor([0.5, -2.0 if place.signed else 0.4, 0.7])
        x = (
            (fixed_values(3, place.in_channels[0]), fixed_values(2, place.in_channels[1]))
            if isinstance(place.in_channels, tuple)
            else fixed_values(3, place.in_channels)
        )
        try:
            out = self.layer.eval() and self._call(x, edges, weight)
        except Exception as err:
            raise InputError(f"{self._who()} fails there: {type(err).__name__}: {err}") from err
        self.layer.train(training)
        if not isinstance(out, Tensor) or out.dim() != 2 or len(out) != n_destinations:
            got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
            raise InputError(f"{self._who()} must return one row per destination, {n_destinations} x d, not {got}")
        if not out.isfinite().all():
            reason = "negative weights, which this relation has" if place.signed else "a small graph"
            raise InputError(f"{self._who()} gives values that are not finite for {reason}")
        return out.size(1)

    def _who(self) -> str:
        place = self.place
        width = " and ".join(map(str, place.in_channels)) if isinstance(place.in_channels, tuple) else place.in_channels
        return f"the layer '{self.name}' on '{place.relation}' (features of width {width})"


def adapt(part: Any, options: Mapping[str, Any], place: Place, name: str) -> AdaptedLayer:
    """A class, factory or instance as a layer for that place.

    An instance is copied, so the places of a network share no weights, and drawn anew if it has ``reset_parameters``.

    Raises
    ------
    InputError
        If the layer does not fit there; the message says which layer and how it fails.
    """
    if isinstance(part, Module):
        if options:
            raise InputError(f"the layer '{name}' is an instance: it takes no options, give its class instead")
        layer = copy.deepcopy(part)
        reset = getattr(layer, "reset_parameters", None)
        if reset is not None:
            reset()
        return AdaptedLayer(layer, place, name)
    try:
        layer = part(**_arguments(part, options, place))
    except Exception as err:
        raise InputError(
            f"the layer '{name}' cannot be made for '{place.relation}': {type(err).__name__}: {err}"
        ) from err
    if not isinstance(layer, Module):
        raise InputError(f"the layer '{name}' must be a torch module, or a class or factory of one")
    return AdaptedLayer(layer, place, name)


def _arguments(part: Callable[..., Any], options: Mapping[str, Any], place: Place) -> dict[str, Any]:
    takes = _parameters(part)
    widths: Any = place.in_channels
    if "metadata" in takes:
        source, label, target = _relation(place)
        nodes = [source, target] if place.bipartite else [source]
        offered: dict[str, Any] = {"metadata": (nodes, [(source, label, target)])}
        widths = dict(zip(nodes, widths, strict=True)) if place.bipartite else {source: widths}
    else:
        offered = {"edge_dim": 1, "channels": place.in_channels}
    offered["in_channels"] = widths
    heads = options.get("heads", 1) if options.get("concat", True) and "concat" in takes else 1
    offered["out_channels"] = max(1, place.out_channels // heads)
    if "nn" in takes and "nn" not in options:
        width = place.out_channels
        offered["nn"] = Sequential(LazyLinear(width), ReLU(), Linear(width, width))
    if place.bipartite:
        offered["add_self_loops"] = False
    return {name: value for name, value in offered.items() if name in takes} | dict(options)


def _parameters(part: Callable[..., Any]) -> set[str]:
    """Names of the parameters, those of base classes behind ``**kwargs`` left out."""
    return set(inspect.signature(part).parameters)


def _relation(place: Place) -> tuple[str, str, str]:
    return ("source", "to", "target") if place.bipartite else ("node", "to", "node")


def _is_pyg(kind: type) -> bool:
    return any(
        base.__module__.startswith("torch_geometric.nn.conv.") and base is not MessagePassing for base in kind.__mro__
    )


def fixed_values(n: int, width: int) -> Tensor:
    """Fixed values without a random generator, so that trying out a layer changes no later draw."""
    return torch.linspace(-1.0, 1.0, n * width).view(n, width)
