"""Making the network a preset asks for, and reading its output as arrays."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import Module
from torch_geometric.data import HeteroData

from scrcl_graph._errors import InputError
from scrcl_graph.gr import COEXPRESSED, EXPRESSED_IN, EXPRESSES
from scrcl_graph.model.association import AssociationFactors, Matrix
from scrcl_graph.nn import NETWORKS, PaperNetwork, RefinementNetwork, Views
from scrcl_graph.presets import Preset


def make_network(
    preset: Preset,
    *,
    cell_dim: int,
    gene_dim: int,
    n_cells: int,
    n_genes: int,
    n_clusters: int | None,
    cell_relations: Sequence[str],
    seed: int,
) -> Module:
    """A freshly initialised network (:func:`scrcl_graph.nn.register_network` has the table of what it gets).

    The global random state is left as it was.
    """
    part, options = NETWORKS.resolve(preset.network)
    name = NETWORKS.plain(preset.network)[0]
    if isinstance(part, Module):
        raise InputError(f"the network '{name}' is an instance: give its class, of which every run makes its own")
    between_cells = [("cell", relation, "cell") for relation in cell_relations]
    offered: dict[str, Any] = {
        "cell_dim": cell_dim,
        "gene_dim": gene_dim,
        "hidden_dim": preset.hidden_dim,
        "out_dim": preset.out_dim,
        "cell_relations": cell_relations,
        "metadata": (["cell", "gene"], [*between_cells, COEXPRESSED, EXPRESSES, EXPRESSED_IN]),
        "layers": preset.layers,
        "n_cells": n_cells,
        "n_genes": n_genes,
        "n_clusters": n_clusters,
    }
    takes = inspect.signature(part).parameters
    if preset.layers and "layers" not in takes:
        raise InputError(f"the network '{name}' has its own layers: leave layers out")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network = part(**{key: value for key, value in offered.items() if key in takes} | options)
        except InputError:
            raise
        except Exception as err:
            raise InputError(f"the network '{name}' cannot be made: {type(err).__name__}: {err}") from err
    if not isinstance(network, Module):
        raise InputError(f"the network '{name}' must be a torch module, or a factory of one")
    return network


@torch.no_grad()
def try_out(network: Module, data: HeteroData, seed: int) -> None:
    """Run a network of the user's own once: draws lazy weights, and finds one that does not fit before any training."""
    if isinstance(network, RefinementNetwork | PaperNetwork):
        return
    who, n_cells, n_genes = f"the network '{type(network).__name__}'", len(data["cell"].x), len(data["gene"].x)
    device = data["cell"].x.device
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            views = network.eval()(data)
    except Exception as err:
        raise InputError(f"{who} fails on the graph: {type(err).__name__}: {err}") from err
    if not isinstance(views, Views):
        raise InputError(f"{who} must return scrcl_graph.nn.Views, not {type(views).__name__}")
    shapes = [tuple(part.shape) for part in (*views.hidden, views.weight, views.bias, views.messages)]
    width, back = views.weight.size(-1), views.messages.size(-1)
    wanted = [(n_cells, width), (n_cells, width), (n_genes, width), (n_genes,), (n_genes, back)]
    if shapes != wanted:
        raise InputError(f"{who} gives Views (hidden, weight, bias, messages) of shapes {shapes}, not {wanted}")


@torch.no_grad()
def embedding(data: HeteroData, runs: Sequence[Views], preset: Preset) -> Matrix:
    """Both views of every run side by side, rows of unit length unless hidden; or the coordinates of the cells."""
    if preset.embedding == "coordinates":
        return np.array(data["cell"].x.cpu().numpy())  # a copy: what a user does to it is not done to the model
    chosen = {"views": "embeddings", "hidden": "hidden", "refined": "refined"}[preset.embedding]
    joined = torch.cat([view for views in runs for view in getattr(views, chosen)], dim=1).float()
    if preset.embedding != "hidden":
        joined = torch.nn.functional.normalize(joined, dim=1)
    return joined.cpu().numpy()


@torch.no_grad()
def cell_factors(runs: Sequence[Views]) -> Matrix:
    """Cell factors of the scores averaged over runs, not centred."""
    return np.asarray((torch.cat([views.scores.cells for views in runs], dim=1).float() / len(runs)).cpu().numpy())


@torch.no_grad()
def association(cells: Matrix, runs: Sequence[Views]) -> AssociationFactors:
    """Scores averaged over runs, relative to the average of these cells, as two factors."""
    genes = torch.cat([views.scores.genes for views in runs], dim=1).float()
    factors = torch.from_numpy(cells)
    return AssociationFactors((factors - factors.mean(dim=0)).numpy(), genes.cpu().numpy())
