"""The estimator that joins graph, training and clustering."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits
from torch_geometric.data import HeteroData

from scrcl_graph import _preprocess as pre
from scrcl_graph._errors import InputError
from scrcl_graph._matrix import Matrix
from scrcl_graph._seeds import check_seed, seeds
from scrcl_graph._settings import resolve_device, settings, stage
from scrcl_graph.cluster import (
    CLUSTERERS,
    KSelection,
    Labels,
    by_size,
    check_enough,
    choose_k,
    cluster_cells,
    is_clusterer,
    make_clusterer,
    nearest_vote,
    spatial_vote,
)
from scrcl_graph.model import persistence
from scrcl_graph.model.association import AssociationFactors
from scrcl_graph.model.build import Built, Network, Sources, build, check_parts, similarity_graph, spatial_graph
from scrcl_graph.model.inputs import gene_names
from scrcl_graph.model.job import describe
from scrcl_graph.model.networks import association, cell_factors, embedding, make_network, try_out
from scrcl_graph.model.reference import Cells
from scrcl_graph.nn import Views
from scrcl_graph.nn.layers import share_memos
from scrcl_graph.objectives import make_objectives
from scrcl_graph.presets import Preset, get_preset
from scrcl_graph.train import Checkpoint, History, Run, cut_in_tiles, in_tiles, train_runs

logger = logging.getLogger(__name__)

Values = NDArray[np.float32]

_TILE = 20_000  # cells that are encoded at a time


class ScRCL:
    """Cell types or tissue domains from expression, without labels, on a graph of cells and genes.

    Follows scikit-learn: settings in the constructor, what was learned in attributes that end in an underscore.

    Parameters
    ----------
    n_clusters
        Number of clusters; None chooses it without labels (:func:`scrcl_graph.cluster.choose_k`).
    preset
        ``"default"``, ``"spatial"``, ``"paper"``, or a :class:`~scrcl_graph.presets.Preset`.
    random_state
        Seed of everything random. On one CPU machine the same seed gives the same labels, bit for bit.
    device
        ``"auto"`` takes a GPU where there is one; or any torch device.

    Attributes
    ----------
    labels_
        n, int64; 0 is the largest cluster.
    embedding_
        n x d, float32: rows of unit length, unless the preset clusters ``"hidden"`` views or coordinates.
    n_clusters_
        Number of clusters found.
    k_selection_
        The curve from which the number was chosen, or None where it was given.
    history_
        One dict of losses per epoch for each run.
    graph_
        The :class:`torch_geometric.data.HeteroData` it was trained on: all cells, or a sample of them
        (:attr:`~scrcl_graph.presets.Preset.n_training_cells`).
    connectivities_
        The cell graph by expression, n x n CSR of ones.
    genes_
        Names of the genes used.
    input_state_
        ``"counts"`` or ``"lognorm"``: what the values were taken for.
    association_
        Low-rank cell-gene association scores.
    """

    labels_: NDArray[np.int64]
    embedding_: NDArray[np.float32]
    n_clusters_: int
    k_selection_: KSelection | None
    history_: list[History]
    graph_: HeteroData
    connectivities_: sp.csr_matrix
    association_: AssociationFactors

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        preset: str | Preset = "default",
        random_state: int = 0,
        device: str | torch.device = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.preset = preset
        self.random_state = random_state
        self.device = device

    def fit(
        self,
        X: object,
        *,
        genes: Sequence[str] | None = None,
        rep: ArrayLike | None = None,
        spatial: ArrayLike | None = None,
        library: ArrayLike | None = None,
        prior: Network | None = None,
        input_state: pre.InputState | None = None,
        checkpoint: str | PathLike[str] | None = None,
    ) -> ScRCL:
        """Build the graph, train, and cluster.

        Parameters
        ----------
        X
            Cells x genes, sparse or dense: raw counts, other linear abundances, or log-normalised values. It need not
            be in memory (docs/out-of-core.md).
        genes
            Names of the genes; needed to apply the model to data with other genes.
        rep
            Cells x d: coordinates to start from instead of our own; new cells then need them too.
        spatial
            Used by presets with a spatial graph: positions, cells x 2 or 3, or a graph of the user's own, cells x cells
            sparse.
        library
            Slice or sample of each cell. Spatial edges never join two of them, and their coordinates are aligned
            (:class:`scrcl_graph.gr.Alignment`).
        prior
            Gene network to join with the correlation graph: a table, a networkx graph or gene sets.
        input_state
            Overrides what is detected from the values.
        checkpoint
            Folder that keeps the state of training (:class:`scrcl_graph.train.Checkpoint`): the same call after the
            job was stopped goes on from there.

        Raises
        ------
        InputError
            If the input cannot be used, or the checkpoint is of another job; the message says why and what to do.
        """
        matrix = Matrix(X, input_state)
        n_cells = matrix.shape[0]
        chosen = get_preset(self.preset)
        preset = chosen.suited(n_cells)
        check_parts(preset)
        k = self.n_clusters
        if k is not None and not (_is_whole(k) and 2 <= k < n_cells):
            raise InputError(f"n_clusters is {k}, but must be at least 2, less than the {n_cells} cells, and whole")
        if self._chooses_k(preset):
            check_enough(min(n_cells, preset.n_training_cells or n_cells))
        check_seed(self.random_state)
        names = gene_names(genes, matrix.shape[1])
        device = resolve_device(self.device)
        with stage("graph and coordinates"):
            built = build(Sources(matrix, names, rep, spatial, library, prior), preset, self.random_state)
        self._chosen_preset, self._inputs, self._reference = chosen, built.inputs, built.reference
        self.graph_ = built.reference.to_hetero().to(device)
        self._network_spec: dict[str, Any] = {
            "cell_dim": built.reference.cell_x.shape[1],
            "gene_dim": built.reference.gene_x.shape[1],
            "n_cells": len(built.known),
            "n_genes": len(built.reference.gene_x),
            "n_clusters": self.n_clusters,
            "cell_relations": [name for source, name, target in self.graph_.edge_types if source == target == "cell"],
        }
        kept = None
        if checkpoint is not None:
            job = describe(preset, built.inputs.genes, built.reference, self.n_clusters, self.random_state)
            kept = Checkpoint(checkpoint, job)
        with stage(f"training on {len(built.known):,} cells"):
            runs = [
                self._run(preset, seed, None if kept is None else kept.run(i))
                for i, seed in enumerate(seeds(self.random_state, preset.n_runs))
            ]
            self._networks = [run.network for run in runs]
            share_memos(self._networks)
            self.history_ = train_runs(runs, self.graph_, progress=settings.progress)
            views = self._views(self.graph_)
        self.embedding_, factors = embedding(self.graph_, views, preset), cell_factors(views)
        with stage("clusters"):
            labels, k = self._cluster(preset)
        self.connectivities_ = built.reference.similar
        if len(built.known) < n_cells:
            with stage("the other cells"):
                factors, labels = self._place_others(built, factors, labels)
            with stage("graph of all cells"):
                self.connectivities_ = similarity_graph(built.cells.x, preset, self.random_state)
        if preset.spatial_vote and built.cells.adjacent is not None:
            labels = spatial_vote(labels, built.cells.adjacent)
        self.labels_ = by_size(labels)
        self._reference_labels = self.labels_[built.known]
        self.n_clusters_ = int(self.labels_.max()) + 1
        if k is not None and self.n_clusters_ != k:
            logger.warning("%d clusters were found where %d were wanted", self.n_clusters_, k)
        self.association_ = association(factors, views)
        return self

    def fit_predict(self, X: object, **kwargs: object) -> NDArray[np.int64]:
        """``fit`` and return ``labels_``."""
        return self.fit(X, **kwargs).labels_  # type: ignore[arg-type]

    @property
    def genes_(self) -> tuple[str, ...]:
        """Names of the genes used, in the order of the gene nodes."""
        return self._inputs.genes

    @property
    def input_state_(self) -> str:
        """What the values of the training matrix were taken for."""
        return self._inputs.unit.state

    def transform(
        self,
        X: object,
        *,
        genes: Sequence[str] | None = None,
        rep: ArrayLike | None = None,
        spatial: ArrayLike | None = None,
        library: ArrayLike | None = None,
        input_state: pre.InputState | None = None,
    ) -> NDArray[np.float32]:
        """Embed new cells, m x d, in the space of ``embedding_``.

        Each new cell is attached to its nearest known cells and to its genes; without positions and slices its
        embedding does not depend on the other new cells. A model of several slices aligns new slices to them. Genes
        of the model that are missing count as not expressed and are logged.
        Parameters are as in :meth:`fit`.
        """
        preset = self._fitted_preset()
        expression, values = self._inputs.read(X, genes, input_state)
        adjacent = spatial_graph(spatial, library, preset, expression.shape[0])
        cell_x = self._inputs.place_new(expression, rep, adjacent, library)
        cells = Cells(cell_x, values if preset.as_published else expression, adjacent)
        return self._encode(cells, np.arange(len(cells)))[0]

    def predict(
        self,
        X: object,
        *,
        genes: Sequence[str] | None = None,
        rep: ArrayLike | None = None,
        spatial: ArrayLike | None = None,
        library: ArrayLike | None = None,
        input_state: pre.InputState | None = None,
    ) -> NDArray[np.int64]:
        """Label new cells: :meth:`transform`, then :meth:`assign`."""
        return self.assign(
            self.transform(X, genes=genes, rep=rep, spatial=spatial, library=library, input_state=input_state)
        )

    def assign(self, embedded: NDArray[np.float32]) -> NDArray[np.int64]:
        """Labels of embedded cells by the vote of the nearest known cells, ties to the larger cluster."""
        preset = self._fitted_preset()
        data = self._reference.to_hetero().to(resolve_device(self.device))
        known = embedding(data, self._views(data), preset)
        return nearest_vote(embedded, known, self._reference_labels, self.random_state)

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the model to a folder of safetensors and JSON."""
        self._fitted_preset()
        persistence.save(self, path, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | PathLike[str], *, device: str | torch.device = "auto") -> ScRCL:
        """Read a model written by :meth:`save`. Nothing in the folder is executed."""
        return persistence.load(cls, path, device)

    def _cluster(self, preset: Preset) -> tuple[Labels, int | None]:
        """Labels of the embedded cells, and the number of clusters that was wanted."""
        with threadpool_limits(1):  # many products of small matrices: threads only wait for each other
            self.k_selection_ = None
            k, known = self.n_clusters, self._reference
            if self._chooses_k(preset):
                # regions of tissue are found again in the coordinates more than in the views (docs/benchmarks.md)
                seen = known.cell_x if preset.embedding == "hidden" else self.embedding_
                self.k_selection_ = choose_k(seen, seed=self.random_state)
                k = self.k_selection_.k
                if len(others := self.k_selection_.others):
                    logger.info("%d clusters; %s would be found again nearly as well", k, ", ".join(map(str, others)))
            clusterer = make_clusterer(preset.clusterer, k or 0, self.random_state, known.adjacent, known.cell_x)
            return by_size(cluster_cells(clusterer, self.embedding_)), k

    def _chooses_k(self, preset: Preset) -> bool:
        return self.n_clusters is None and not is_clusterer(CLUSTERERS.resolve(preset.clusterer)[0])

    def _place_others(self, built: Built, factors: Values, labels: Labels) -> tuple[Values, Labels]:
        """Embed and label the cells that were not learned from; returns the factors and labels of all."""
        known, cells = built.known, built.cells
        others = np.setdiff1d(np.arange(len(cells)), known)
        of_known = self.embedding_
        self.embedding_, all_factors = self._encode(cells, others)
        self.embedding_[known], all_factors[known] = of_known, factors
        everyone = np.empty(len(cells), dtype=np.int64)
        everyone[known] = labels
        everyone[others] = nearest_vote(self.embedding_[others], of_known, labels, self.random_state)
        return all_factors, everyone

    def _run(self, preset: Preset, seed: int, checkpoint: Path | None) -> Run:
        network = make_network(preset, **self._network_spec, seed=seed).to(self.graph_["cell"].x.device)
        try_out(network, self.graph_, seed)
        objectives, weights = make_objectives(preset.plan.weights)
        return Run(network, objectives, replace(preset.plan, weights=weights), seed, checkpoint)

    def _encode(self, cells: Cells, rows: NDArray[np.intp]) -> tuple[Values, Values]:
        """Embedding and factors of some of these cells, in parts; the rows of the others are zero."""
        preset = self._fitted_preset()
        out: tuple[Values, ...] = ()
        for part, tile in cells.tiles(rows, _TILE):
            data = self._reference.attach(tile, n_neighbors=preset.n_neighbors, seed=self.random_state)
            data = data.to(resolve_device(self.device))
            views = self._views(data)
            found = embedding(data, views, preset), cell_factors(views)
            first = data["cell"].num_nodes - len(tile)
            out = out or tuple(np.zeros((len(cells), values.shape[1]), np.float32) for values in found)
            for target, values in zip(out, found, strict=True):
                target[part] = values[first : first + len(part)]
        return out[0], out[1]

    @torch.no_grad()
    def _views(self, data: HeteroData) -> list[Views]:
        networks = [network.to(data["cell"].x.device) for network in self._networks]
        tiles = cut_in_tiles(networks[0], data, self._fitted_preset().plan.tile_cells)
        return [in_tiles(network, tiles)(data) for network in networks]

    @property
    def preset_(self) -> Preset:
        """The preset it was fitted with; its file may be gone since. InputError before :meth:`fit`."""
        if not hasattr(self, "_networks"):
            raise InputError("this model is not fitted yet: call fit first")
        return self._chosen_preset

    def _fitted_preset(self) -> Preset:
        return self.preset_.suited(len(self._reference.cell_x))


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral)
