"""Making the network a preset asks for, and reading its output as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import Module
from torch_geometric.data import HeteroData

from scrcl_graph._errors import InputError
from scrcl_graph.model.association import AssociationFactors, Matrix
from scrcl_graph.nn import PaperNetwork, RefinementNetwork, Views
from scrcl_graph.presets import Preset

_PAPER_GENE_DIM = 10  # where the number of clusters, which the paper takes, is not given


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
    """A freshly initialised network; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if preset.network == "paper":
            if preset.layers:
                raise InputError("the network of the preset 'paper' has its own layers: leave layers out")
            return PaperNetwork(n_cells, n_genes, n_clusters or _PAPER_GENE_DIM, preset.hidden_dim)
        return RefinementNetwork(
            cell_dim,
            gene_dim,
            cell_relations,
            hidden_dim=preset.hidden_dim,
            out_dim=preset.out_dim,
            layers=preset.layers,
        )


@torch.no_grad()
def embedding(data: HeteroData, runs: Sequence[Views], preset: Preset) -> Matrix:
    """Both views of every run side by side, rows of unit length; or the coordinates of the cells as they are."""
    if preset.embedding == "coordinates":
        return np.asarray(data["cell"].x.cpu().numpy())
    pairs = [views.embeddings if preset.embedding == "views" else views.refined for views in runs]
    joined = torch.cat([view for pair in pairs for view in pair], dim=1).float()
    return torch.nn.functional.normalize(joined, dim=1).cpu().numpy()


@torch.no_grad()
def cell_factors(runs: Sequence[Views]) -> Matrix:
    """Cell factors of the scores averaged over views and runs, not centred."""
    cells = torch.cat([sum(views.hidden) / 2 for views in runs], dim=1).float() / len(runs)  # type: ignore[misc]
    return np.asarray(cells.cpu().numpy())


@torch.no_grad()
def association(cells: Matrix, runs: Sequence[Views]) -> AssociationFactors:
    """Scores averaged over views and runs, relative to the average of these cells."""
    genes = torch.cat([views.weight for views in runs], dim=1).float()
    factors = torch.from_numpy(cells)
    return AssociationFactors((factors - factors.mean(dim=0)).numpy(), genes.cpu().numpy())
