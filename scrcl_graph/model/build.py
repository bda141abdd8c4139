"""From expression to the reference graph and the coordinates it is built in."""

from __future__ import annotations

import logging
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeAlias

import networkx as nx
import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from scrcl_graph import _preprocess as pre
from scrcl_graph import gr
from scrcl_graph._errors import InputError
from scrcl_graph._matrix import Matrix
from scrcl_graph._registry import Registry
from scrcl_graph.cluster import check_clusterer, unit_rows
from scrcl_graph.model.inputs import Inputs, check_rep, number_slices
from scrcl_graph.model.reference import Cells, Reference
from scrcl_graph.nn import LAYERS
from scrcl_graph.objectives import make_objectives
from scrcl_graph.presets import PARTS, Preset
from scrcl_graph.train.loop import OPTIMIZERS

logger = logging.getLogger(__name__)

_MAPS = Registry(  # with the pseudocount of each
    "coordinate map",
    {
        "correspondence": (gr.correspondence, gr.one_molecule),
        "pca": (gr.pca, gr.one_molecule),
        "relative_pca": (gr.pca, gr.mean_abundance),
    },
)

Network: TypeAlias = pd.DataFrame | nx.Graph | gr.GeneSets


@dataclass(frozen=True)
class Sources:
    """What a user brought, checked.

    Attributes
    ----------
    matrix
        Cells x all genes.
    genes
        Names of all genes.
    rep
        Cells x d coordinates to start from, or None.
    spatial
        Positions, cells x 2 or 3, or a graph, cells x cells sparse; or None.
    library
        Slice of each cell, or None.
    prior
        Prior gene network, or None.
    """

    matrix: Matrix
    genes: tuple[str, ...]
    rep: ArrayLike | None = None
    spatial: ArrayLike | None = None
    library: ArrayLike | None = None
    prior: Network | None = None


@dataclass(frozen=True)
class Built:
    """Everything a model is trained and applied on.

    Attributes
    ----------
    inputs
        What was learned about the input.
    cells
        All cells.
    reference
        The graph of the cells that are learned from.
    known
        Which cells these are.
    """

    inputs: Inputs
    cells: Cells
    reference: Reference
    known: NDArray[np.intp]


def check_parts(preset: Preset) -> None:
    """InputError where a part of the preset is not there, before anything is read or computed."""
    for name, registry in PARTS.items():
        if (spec := getattr(preset, name)) is not None:
            registry.resolve(spec)
    for spec in preset.layers.values():
        LAYERS.resolve(spec)
    for name in preset.maps:
        _MAPS.find(name)
    check_clusterer(preset.clusterer)
    make_objectives(preset.plan.weights)
    OPTIMIZERS.find(preset.plan.optimizer)


def build(sources: Sources, preset: Preset, seed: int) -> Built:
    """Choose genes, fit the coordinates and build every relation of the graph.

    Genes are chosen on all cells; gene graph, coordinates and cell graph are made from the cells that are learned from
    (:attr:`scrcl_graph.presets.Preset.n_training_cells`), and the other cells are placed among them.
    """
    chosen = _choose_genes(sources.matrix, preset)
    values, totals = sources.matrix.take(chosen)
    unit = sources.matrix.unit
    if unit.base not in (None, math.e):
        logger.info("the values are logarithms of base %g and are read as natural ones", unit.base)
    log_X = pre.log_normalize(values, unit.state, totals)
    genes = tuple(sources.genes[i] for i in chosen)
    if float(gr.gene_inertia(log_X).max()) < 1e-9:
        raise InputError("all cells have the same expression profile: there is nothing to tell them apart by")
    library = number_slices(sources.library, log_X.shape[0])
    adjacent = spatial_graph(sources.spatial, sources.library, preset, log_X.shape[0])
    if preset.as_published:
        _check_published(sources, with_batches=library is not None and adjacent is None)
        return _paper(log_X, values, genes, adjacent, unit, preset, seed)
    del values

    known = gr.sample_cells(log_X.shape[0], preset.n_training_cells, adjacent, seed)
    sample = log_X if len(known) == log_X.shape[0] else log_X[known]
    correlation = gr.gene_correlation(sample, preset.n_gene_neighbors)
    if sources.prior is not None:
        prior, _ = gr.prior_network(sources.prior, genes)
        correlation = gr.union(correlation, prior)
    coordinates: gr.Joined | gr.Given
    if sources.rep is not None:
        coordinates = gr.given(check_rep(sources.rep, log_X.shape[0])[known], sample)
    else:
        step = None if preset.gene_keep == 1.0 else gr.gene_step(correlation, preset.gene_keep)
        coordinates = _fit_coordinates(sample, step, preset, seed)
    inputs, cells, decoder = _place(
        Inputs(genes, coordinates, unit), log_X, sources.rep, adjacent, library, preset, seed
    )
    own = cells.take(known)
    reference = Reference(
        cell_x=own.x,
        gene_x=coordinates.genes,
        decoder=decoder,
        expression=own.expression,
        similar=similarity_graph(own.x, preset, seed),
        coexpressed=correlation,
        adjacent=own.adjacent,
        column_sums=np.asarray(own.expression.sum(axis=0), dtype=np.float64).ravel(),
    )
    return Built(inputs, cells, reference, known)


def _check_published(sources: Sources, *, with_batches: bool) -> None:
    """InputError for what the preset ``paper`` would not use."""
    if sources.rep is not None:
        raise InputError("the preset 'paper' starts from raw counts: leave use_rep out")
    if sources.prior is not None:
        raise InputError("the preset 'paper' has its own gene graph: leave prior out")
    if with_batches:
        raise InputError("the preset 'paper' aligns no batches: leave batch_key out")


def _fit_coordinates(sample: sp.csr_matrix, gene_step: sp.csr_matrix | None, preset: Preset, seed: int) -> gr.Joined:
    """The maps of the preset, joined."""

    def fit(name: str) -> gr.Coordinates:
        make, of_cells = _MAPS.find(name)
        fitted: gr.Coordinates = make(
            sample, preset.n_components, seed=seed, gene_step=gene_step, pseudocount=of_cells(sample)
        )
        return fitted

    with ThreadPoolExecutor(len(preset.maps)) as pool:  # sparse products take one core each
        return gr.join(list(pool.map(fit, preset.maps)), sample)


def _place(
    inputs: Inputs,
    log_X: sp.csr_matrix,
    rep: ArrayLike | None,
    adjacent: sp.csr_matrix | None,
    library: NDArray[np.intp] | None,
    preset: Preset,
    seed: int,
) -> tuple[Inputs, Cells, NDArray[np.float32]]:
    """All cells in the coordinates, at the scales of the tissue and with slices aligned; and the decoder."""
    cell_x, decoder = inputs.place(log_X, rep), inputs.coordinates.decoder
    if adjacent is not None:
        scales = gr.fit_scales(cell_x, adjacent, preset.spatial_steps, library)
        cell_x, decoder = scales.transform(cell_x, adjacent), scales.decoder(decoder)
        inputs = replace(inputs, scales=scales)
    if library is not None:
        alignment, cell_x = gr.fit_alignment(cell_x, library, seed)
        inputs = replace(inputs, alignment=alignment)
    return inputs, Cells(cell_x, log_X, adjacent), decoder


def _choose_genes(matrix: Matrix, preset: Preset) -> NDArray[np.intp]:
    """In one pass over the matrix; in two where its first cells mislead about what the values are."""
    even = preset.gene_ranking == "dispersion"
    rank = gr.dispersed_genes if even else gr.informative_genes
    unit = matrix.unit
    chosen = rank((_linear(block, unit.state, even) for block in matrix), preset.n_top_genes)
    return chosen if matrix.unit == unit else _choose_genes(matrix, preset)


def _linear(X: sp.csr_matrix, state: pre.InputState, even: bool) -> sp.csr_matrix:
    """Abundances; ``even``: of one library size in all cells."""
    return X if state == "counts" and not even else pre.linear(pre.log_normalize(X, state))


def similarity_graph(cell_x: NDArray[np.float32], preset: Preset, seed: int) -> sp.csr_matrix:
    """The cell graph by expression that the preset asks for."""
    if preset.similarity_graph is None:
        return gr.cell_knn(cell_x, preset.n_neighbors, seed)
    return gr.symmetric_graph(gr.make_builder(preset.similarity_graph)(cell_x)[0], len(cell_x))


def spatial_graph(
    spatial: ArrayLike | None, library: ArrayLike | None, preset: Preset, n_cells: int
) -> sp.csr_matrix | None:
    """The spatial graph the preset asks for, or None where it asks for none."""
    if preset.n_spatial_neighbors == 0:
        return None
    if spatial is None:
        raise InputError(f"the preset '{preset.name}' needs the positions of the cells")
    if sp.issparse(spatial):
        graph = gr.symmetric_graph(spatial, n_cells)
        slices = number_slices(library, n_cells)
        return graph if slices is None else _within(graph, slices)
    if len(np.asarray(spatial)) != n_cells:
        raise InputError(f"there are {n_cells} cells and {len(np.asarray(spatial))} positions: they must match")
    return gr.spatial_neighbors(
        spatial,
        builder=preset.spatial_graph,
        n_neighbors=preset.n_spatial_neighbors,
        radius=preset.spatial_radius,
        library=library,
    )


def _within(graph: sp.csr_matrix, slices: NDArray[np.intp]) -> sp.csr_matrix:
    """The edges whose two cells are of one slice."""
    edges = graph.tocoo()
    same = slices[edges.row] == slices[edges.col]
    if not same.all():
        logger.warning("%d edges of the spatial graph join two slices and are left out", (~same).sum() // 2)
    return sp.csr_matrix((edges.data[same], (edges.row[same], edges.col[same])), shape=graph.shape)


def _paper(
    log_X: sp.csr_matrix,
    counts: sp.csr_matrix,
    genes: tuple[str, ...],
    adjacent: sp.csr_matrix | None,
    unit: pre.Unit,
    preset: Preset,
    seed: int,
) -> Built:
    """The graph of the paper: raw counts on the cell-gene edges, a cosine kNN of cells, Euclidean kNN of genes."""
    coordinates = gr.join([gr.pca(log_X, preset.n_components, seed=seed, scale=False)], log_X)
    cell_x = coordinates.transform(log_X)
    reference = Reference(
        cell_x=cell_x,
        gene_x=coordinates.genes,
        decoder=coordinates.decoder,
        expression=counts,
        similar=gr.cell_knn(unit_rows(cell_x), preset.n_neighbors, seed) if adjacent is None else adjacent,
        coexpressed=gr.gene_knn(counts, preset.n_gene_neighbors),
        adjacent=None,
    )
    return Built(Inputs(genes, coordinates, unit), Cells(cell_x, counts), reference, np.arange(len(cell_x)))
