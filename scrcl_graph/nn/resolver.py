"""Layers by name, and the relations they stand on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from torch_geometric import nn as pyg
from torch_geometric.nn import MessagePassing

from scrcl_graph._errors import InputError
from scrcl_graph._registry import Registry, Spec
from scrcl_graph.nn import layers
from scrcl_graph.nn.adapter import AdaptedLayer, Place, adapt

T = TypeVar("T")

#: What can be set, from the general to the particular: a later key goes before an earlier one.
RELATIONS = {
    "similar_to": ("cell-cell", "similar_to"),
    "adjacent_to": ("cell-cell", "adjacent_to"),
    "coexpressed_with": ("gene-gene", "coexpressed_with"),
    "expresses": ("cell-gene", "expresses"),
    "expressed_in": ("cell-gene", "expressed_in"),
}
DEFAULT_LAYERS: Mapping[str, Spec] = {
    "cell-cell": "graph_convolution",
    "gene-gene": "gene_convolution",
    "cell-gene": "bipartite_convolution",
}


@cache
def _pyg_layers() -> dict[str, type[MessagePassing]]:
    """PyG's convolutions by short name and by class name: ``gatv2`` and ``GATv2Conv``."""
    found = {
        name: value
        for name, value in vars(pyg.conv).items()
        if name.endswith("Conv") and inspect.isclass(value) and issubclass(value, MessagePassing)
    }
    short = {name.removesuffix("Conv").lower(): value for name, value in found.items()}
    return short | found


LAYERS = Registry(
    "layer",
    {
        "association_attention": layers.AssociationAttention,
        "bipartite_convolution": layers.BipartiteConvolution,
        "boundary_attention": layers.BoundaryAttention,
        "gene_convolution": layers.GeneConvolution,
        "graph_convolution": layers.GraphConvolution,
    },
    register='nn.register_layer("name")',
    more=_pyg_layers,
)


def register_layer(name: str) -> Callable[[T], T]:
    """Decorator that gives a class or factory of layers a name.

    Its constructor takes ``in_channels`` and ``out_channels``, its ``forward`` at least ``x`` and ``edge_index``;
    :class:`AdaptedLayer` has the table of everything it can take.
    """
    return LAYERS.register(name)


def make_layer(chosen: Mapping[str, Spec], relation: str, place_in: int | tuple[int, int], out: int) -> AdaptedLayer:
    """The layer for a relation.

    Parameters
    ----------
    chosen
        By relation (``"similar_to"``) or kind (``"cell-cell"``): a name, a class, a factory, an instance, or a pair of
        one of these and its options. The relation goes before the kind.
    relation
        Second part of the edge type.
    place_in, out
        Widths before and after.

    Raises
    ------
    InputError
        If there is no such layer, or it does not fit.
    """
    every = {**DEFAULT_LAYERS, **chosen}
    spec = next(every[key] for key in reversed(RELATIONS[relation]) if key in every)
    part, options = LAYERS.resolve(spec)
    name = LAYERS.plain(spec)[0]
    return adapt(part, options, Place(relation, place_in, out, signed=relation == "coexpressed_with"), name)


def check_relations(chosen: Mapping[str, Any]) -> None:
    """Raise InputError unless every key is a relation or a kind of relations."""
    known = list(dict.fromkeys(key for keys in RELATIONS.values() for key in keys))
    for key in chosen:
        if key not in known:
            raise InputError(f"unknown relation '{key}' for a layer: choose one of {', '.join(known)}")
