"""Whether a network can be trained in parts, by several processes or in tiles, with the result of the whole."""

from __future__ import annotations

import copy

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from scrcl_graph._errors import InputError
from scrcl_graph.nn.adapter import AdaptedLayer, fixed_values
from scrcl_graph.nn.ops import edges_from_csr
from scrcl_graph.nn.refinement import RefinementNetwork

_CELLS, _GENES = 6, 4
_WHOLE = [np.arange(_CELLS)]
_PARTS = [np.arange(2), np.arange(2, _CELLS)]


def check_sharding(network: Module) -> None:
    """Raise InputError unless cells can be computed in parts without changing what the network gives.

    Every layer that reads or writes cells is tried on a small graph, whole and in two parts. Between cells it gets the
    pair (own cells and those around them, own cells); from cells to genes its messages are added over the parts. A
    layer with dropout draws another mask in parts, and is refused too.
    """
    if type(network) is not RefinementNetwork:
        raise InputError(
            f"only the network 'refinement' can be trained in parts, not a {type(network).__name__}: "
            "run one process, without tiles"
        )
    for layer in copy.deepcopy(network).cpu().float().modules():
        if not isinstance(layer, AdaptedLayer) or layer.place.relation == "coexpressed_with":
            continue  # genes are in every process
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                parts, whole = _outputs(layer.train(), _PARTS), _outputs(layer.eval(), _WHOLE)
            torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-5)
        except Exception as err:
            raise InputError(
                f"the layer '{layer.name}' on '{layer.place.relation}' does not give the same for cells that are "
                "computed in parts: take another layer, or run one process without tiles (docs/scale.md)"
            ) from err


def _outputs(layer: AdaptedLayer, parts: list[NDArray[np.intp]]) -> Tensor:
    """What the layer gives for its destinations when every part of the cells is computed on its own."""
    relation, width = layer.place.relation, layer.place.in_channels
    draw = np.random.default_rng(0)
    if isinstance(width, tuple):
        genes = fixed_values(_GENES, width[relation == "expresses"])
        cells = fixed_values(_CELLS, width[relation == "expressed_in"])
        expression = sp.csr_matrix(draw.random((_CELLS, _GENES)) * (draw.random((_CELLS, _GENES)) < 0.6))
        if relation == "expressed_in":
            return torch.cat([layer((genes, cells[part]), *edges_from_csr(expression[part])) for part in parts])
        messages = [layer((cells[part], genes), *edges_from_csr(expression[part].T)) for part in parts]
        return torch.stack(messages).sum(dim=0)
    upper = np.triu(draw.random((_CELLS, _CELLS)) * (draw.random((_CELLS, _CELLS)) < 0.6), k=1)
    similar, cells = sp.csr_matrix(upper + upper.T), fixed_values(_CELLS, width)
    own: list[Tensor] = []
    for part in parts:
        sources = np.concatenate([part, np.setdiff1d(similar[part].indices, part)])
        ends = cells if len(parts) == 1 else (cells[sources], cells[part])
        own.append(layer(ends, *edges_from_csr(similar[part][:, sources])))
    return torch.cat(own)
