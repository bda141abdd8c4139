"""Named settings of the whole method. One setting serves all data sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from scrcl_graph._errors import InputError
from scrcl_graph.train import TrainingPlan


@dataclass(frozen=True)
class Preset:
    """Every choice of the method, from genes to clusters.

    Attributes
    ----------
    name
        Under which results report it.
    n_top_genes
        Genes kept; all that qualify where there are fewer.
    gene_ranking
        By what: ``"inertia"`` (:func:`scrcl_graph.gr.informative_genes`) or ``"dispersion"``
        (:func:`scrcl_graph.gr.dispersed_genes`).
    maps
        Coordinate maps that are joined: ``"correspondence"``, ``"pca"``.
    n_components
        Dimensions of each coordinate map.
    n_neighbors
        Of the expression kNN graph.
    n_spatial_neighbors
        Of the spatial graph, which needs positions; 0 leaves position out.
    spatial_graph
        Its kind, as in :func:`scrcl_graph.gr.spatial_neighbors`.
    spatial_radius
        For the kind ``"radius"``, in the unit of the positions.
    spatial_steps
        Scales of tissue that a cell is described by: its coordinates averaged over so many steps of the spatial graph.
    n_gene_neighbors
        Of the gene graph.
    gene_keep
        Share of a gene's own value in the gene step before the coordinates; 1 leaves the step out.
    network
        ``"refinement"`` or ``"paper"``.
    hidden_dim, out_dim
        Widths of the network.
    embedding
        What is clustered: the ``"views"`` [E_1, E_2], the gene-``"refined"`` [Z_1, Z_2], or the ``"coordinates"`` that
        enter the network.
    plan
        How the network is trained.
    n_runs
        Networks trained from different seeds, whose embeddings are joined.
    clusterer
        ``"community_mixture"``, ``"mixture"``, ``"communities"``, ``"kmeans"``, ``"merge"`` or ``"leiden"``.
    spatial_vote
        Whether cells then take the commonest label of their spatial neighbourhood.
    """

    name: str
    n_top_genes: int = 2000
    gene_ranking: Literal["inertia", "dispersion"] = "inertia"
    maps: tuple[str, ...] = ("correspondence", "pca")
    n_components: int = 50
    n_neighbors: int = 15
    n_spatial_neighbors: int = 0
    spatial_graph: str = "knn"
    spatial_radius: float | None = None
    spatial_steps: tuple[int, ...] = (1, 4)
    n_gene_neighbors: int = 5
    gene_keep: float = 0.5
    network: Literal["refinement", "paper"] = "refinement"
    hidden_dim: int = 128
    out_dim: int = 32
    embedding: Literal["views", "refined", "coordinates"] = "views"
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    n_runs: int = 4
    clusterer: str = "community_mixture"
    spatial_vote: bool = False


_PRESETS = {
    preset.name: preset
    for preset in (
        Preset(name="default"),
        Preset(
            name="spatial",
            gene_ranking="dispersion",
            maps=("pca",),
            n_components=30,
            n_spatial_neighbors=6,
            gene_keep=1.0,
            embedding="coordinates",
            plan=TrainingPlan(epochs=20),
            n_runs=1,
            clusterer="mixture",
        ),
        Preset(
            name="paper",
            gene_keep=1.0,
            network="paper",
            hidden_dim=1500,
            embedding="refined",
            n_runs=1,
            clusterer="kmeans",
            plan=TrainingPlan(
                weights={"alignment": 1.0, "neighbourhood": 100.0, "consistency": 1.0},
                epochs=500,
                lr=1e-4,
                weight_decay=0.1,
                optimizer="adam",
                tolerance=None,
            ),
        ),
    )
}


def get_preset(preset: str | Preset) -> Preset:
    """The preset of that name, or the preset itself.

    Raises
    ------
    InputError
        If the name is unknown; the message lists the names.
    """
    if isinstance(preset, Preset):
        return preset
    if preset not in _PRESETS:
        raise InputError(f"unknown preset '{preset}': choose one of {', '.join(_PRESETS)}")
    return _PRESETS[preset]
