"""Named settings of the whole method. One setting serves all data sets."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from scrcl_graph._checks import AT_LEAST_ONE, check_fields
from scrcl_graph._errors import InputError
from scrcl_graph._registry import Registry, Spec, from_text, split
from scrcl_graph.cluster import CLUSTERERS
from scrcl_graph.gr.builders import GRAPHS
from scrcl_graph.gr.cells import neighbors_of_few
from scrcl_graph.nn import LAYERS, NETWORKS
from scrcl_graph.objectives import objective_name
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
        Coordinate maps that are joined: ``"correspondence"``, with a pseudocount of one molecule
        (:func:`scrcl_graph.gr.one_molecule`), ``"relative_pca"``, with the mean of each gene
        (:func:`scrcl_graph.gr.mean_abundance`), and ``"pca"``, with one molecule where there is one slice and of
        expression as it is where there are several.
    n_components
        Dimensions of each coordinate map; at most a fifth as many as there are cells, but 5.
    n_neighbors
        Of the expression kNN graph; at most the root of the number of cells.
    n_spatial_neighbors
        Of the spatial graph, which needs positions; 0 leaves position out.
    similarity_graph
        A builder (:func:`scrcl_graph.gr.register_graph`) for the graph by expression, in place of this kNN graph.
    spatial_graph
        Its kind or builder, as in :func:`scrcl_graph.gr.spatial_neighbors`.
    spatial_radius
        For the kind ``"radius"``, in the unit of the positions.
    spatial_steps
        Scales of tissue that a cell is described by: its coordinates averaged over so many steps of the spatial graph.
    n_gene_neighbors
        Of the gene graph.
    gene_keep
        Share of a gene's own value in the gene step before the coordinates; 1 leaves the step out.
    network
        ``"refinement"``, ``"paper"``, or one of your own (:func:`scrcl_graph.nn.register_network`).
    hidden_dim, out_dim
        Widths of the network.
    layers
        In place of the network's own, by relation; see :class:`scrcl_graph.nn.RefinementNetwork`.
    embedding
        What is clustered: the ``"views"`` [E_1, E_2], which have unit length, the same before that (``"hidden"``,
        [H_1, H_2]), the gene-``"refined"`` [Z_1, Z_2], or the ``"coordinates"`` that enter the network. Where it is
        ``"hidden"``, a number of clusters that is not given is chosen on the coordinates.
    plan
        How the network is trained.
    n_runs
        Networks trained from different seeds, whose embeddings are joined.
    n_training_cells
        Cells to learn from. Where there are more, coordinates, networks and clusters are learned on a random sample of
        so many, and the other cells are placed among them as new cells are; None learns from all.
    clusterer
        ``"community_mixture"``, ``"region_mixture"``, ``"mixture"``, ``"communities"``, ``"kmeans"``, ``"merge"`` or
        ``"leiden"``; or one of your own (:func:`scrcl_graph.cluster.register_clusterer`).
    spatial_vote
        Whether cells then take the commonest label of their spatial neighbourhood.

    Raises
    ------
    InputError
        If a value is of another type or out of its range.
    """

    name: str
    n_top_genes: int = 2000
    gene_ranking: Literal["inertia", "dispersion"] = "inertia"
    maps: tuple[str, ...] = ("correspondence", "relative_pca")
    n_components: int = 50
    n_neighbors: int = 15
    n_spatial_neighbors: int = 0
    similarity_graph: Spec | None = None
    spatial_graph: Spec = "knn"
    spatial_radius: float | None = None
    spatial_steps: tuple[int, ...] = (1, 4)
    n_gene_neighbors: int = 5
    gene_keep: float = 0.5
    network: Spec = "refinement"
    hidden_dim: int = 128
    out_dim: int = 16
    layers: Mapping[str, Spec] = field(default_factory=dict)
    embedding: Literal["views", "hidden", "refined", "coordinates"] = "views"
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    n_runs: int = 8
    n_training_cells: int | None = 20_000
    clusterer: Spec = "community_mixture"
    spatial_vote: bool = False

    def __post_init__(self) -> None:
        """Take lists for tuples; refuse values that no run can be made of."""
        for one in dataclasses.fields(self):
            if isinstance(getattr(self, one.name), list):
                object.__setattr__(self, one.name, tuple(getattr(self, one.name)))
        check_fields(self, _LIMITS)

    def suited(self, n_cells: int) -> Preset:
        """The preset for so many cells: few of them have few neighbours of their own type and much noise."""
        if self.as_published:
            return self
        learned = min(n_cells, self.n_training_cells or n_cells)
        return dataclasses.replace(
            self,
            n_components=min(self.n_components, max(5, learned // 5)),
            n_neighbors=neighbors_of_few(self.n_neighbors, learned),
        )

    @property
    def as_published(self) -> bool:
        """Whether the network is that of the paper, which has a graph of its own."""
        return bool(split(self.network)[0] == "paper")


_LIMITS = {
    "n_top_genes": AT_LEAST_ONE,
    "n_components": AT_LEAST_ONE,
    "n_neighbors": AT_LEAST_ONE,
    "n_spatial_neighbors": (0, inf),
    "spatial_radius": (0, inf),
    "n_gene_neighbors": AT_LEAST_ONE,
    "gene_keep": (0, 1),
    "hidden_dim": AT_LEAST_ONE,
    "out_dim": AT_LEAST_ONE,
    "n_runs": AT_LEAST_ONE,
    "n_training_cells": (2, inf),
}

_PRESETS = Registry(
    "preset",
    {
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
                out_dim=32,
                embedding="hidden",
                plan=TrainingPlan(epochs=20, lr=1e-3),
                n_runs=4,
                clusterer="region_mixture",
            ),
            Preset(
                name="paper",
                gene_keep=1.0,
                network="paper",
                hidden_dim=1500,
                out_dim=32,
                embedding="refined",
                n_runs=1,
                n_training_cells=None,  # it has a weight for each cell
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
    },
)


def get_preset(preset: str | Preset) -> Preset:
    """The preset of that name, the one in that ``.toml`` file (:func:`read_preset`), or the preset itself.

    Raises
    ------
    InputError
        If the name is unknown (the message lists the names), or the file cannot be used.
    """
    if isinstance(preset, Preset):
        return preset
    if preset.endswith(".toml"):
        return read_preset(preset)
    found: Preset = _PRESETS.find(preset)
    return found


def with_parts(
    preset: Preset,
    *,
    layers: Mapping[str, Spec] | None = None,
    objectives: Mapping[Spec, float] | None = None,
    clusterer: Spec | None = None,
) -> Preset:
    """A preset with other parts: what is given goes before what the preset has.

    Parameters
    ----------
    preset
        To start from; it stays as it is.
    layers
        By relation; see :class:`scrcl_graph.nn.RefinementNetwork`.
    objectives
        Weights by objective; see :func:`scrcl_graph.objectives.make_objectives`.
    clusterer
        See :func:`scrcl_graph.cluster.make_clusterer`.
    """
    plan = dataclasses.replace(preset.plan, weights={**preset.plan.weights, **(objectives or {})})
    return dataclasses.replace(
        preset,
        layers={**preset.layers, **(layers or {})},
        plan=plan,
        clusterer=preset.clusterer if clusterer is None else clusterer,
    )


def read_preset(path: str | PathLike[str]) -> Preset:
    """A preset from a TOML file.

    Its keys are the attributes of :class:`Preset`; ``preset`` names the one to start from. The tables ``[layers]`` (by
    relation), ``[objectives]`` (weights) and ``[training]`` (:class:`~scrcl_graph.train.TrainingPlan`) change single
    entries. Parts are written as on the command line (``"gatv2"``, ``"gatv2{heads = 4}"``, ``"mine.py:MyConv"`` from
    the folder of the file) or as a pair, ``["gatv2", {heads = 4}]``. Files of parts are run.

    Raises
    ------
    InputError
        If the file cannot be read, or has a key that is not there or a value of another type or out of its range.
    """
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise InputError(f"{path} cannot be read as TOML: {err}") from err

    def objective(name: str) -> Spec:
        found, options = split(part(name))
        if options:
            raise InputError(f"the objective {name!r} takes no options: write a class or function that has them")
        return found

    def part(value: Any) -> Spec:
        found, options = split(value)
        if not isinstance(found, str):
            raise InputError(f"{found!r} is not the name of a part")
        spec = from_text(found, path.parent)
        return (spec, options) if options else spec

    def entries(name: str) -> dict[str, Any]:
        found = table.pop(name, {})
        if not isinstance(found, dict):
            raise InputError(f"{name} is {found!r}: write it as a table, [{name}]")
        return found

    try:
        if "plan" in table:
            raise InputError("the plan is written as a table, [training]")
        base = get_preset(str(table.pop("preset", "default")))
        layers = {place: part(value) for place, value in entries("layers").items()}
        objectives = {objective(name): weight for name, weight in entries("objectives").items()}
        plan = dataclasses.replace(base.plan, **entries("training"))
        values = table | {name: part(table[name]) for name in PARTS if name in table}
        changed = dataclasses.replace(base, **{"name": path.stem, **values}, plan=plan)
        return with_parts(changed, layers=layers, objectives=objectives)
    except TypeError as err:
        raise InputError(f"{path} sets what is not there: {err}") from err
    except InputError as err:
        raise InputError(f"{path}: {err}") from err


PARTS = {"network": NETWORKS, "clusterer": CLUSTERERS, "similarity_graph": GRAPHS, "spatial_graph": GRAPHS}


def to_plain(preset: Preset) -> dict[str, Any]:
    """A preset as text and numbers: parts of the user's own are told by their names."""

    def plain(registry: Registry, spec: Spec) -> Any:
        name, options = registry.plain(spec)
        return (name, options) if options else name

    values: dict[str, Any] = {one.name: getattr(preset, one.name) for one in dataclasses.fields(preset)}
    values |= {name: plain(registry, values[name]) for name, registry in PARTS.items() if values[name] is not None}
    values["layers"] = {place: plain(LAYERS, spec) for place, spec in preset.layers.items()}
    values["plan"] = vars(preset.plan) | {
        "weights": {objective_name(spec): weight for spec, weight in preset.plan.weights.items()}
    }
    return values


def from_plain(values: Mapping[str, Any]) -> Preset:
    """The inverse of :func:`to_plain`, from what JSON made of it. No part is looked up."""
    fields = {name: _tuples(value) for name, value in values.items()}
    return Preset(**fields | {"plan": TrainingPlan(**fields["plan"])})


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    return {key: _tuples(entry) for key, entry in value.items()} if isinstance(value, dict) else value
