"""The main verbs: refine and cluster the cells of an AnnData; label new cells with a saved model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from anndata import AnnData

from scrcl_graph._adata.colours import palette
from scrcl_graph._adata.parts import obsm, slices
from scrcl_graph._adata.source import Source, read_source
from scrcl_graph._errors import InputError
from scrcl_graph._files import check_new_folder
from scrcl_graph._keys import Keys
from scrcl_graph._preprocess import InputState
from scrcl_graph._registry import Spec
from scrcl_graph._version import versions
from scrcl_graph.gr import COEXPRESSED
from scrcl_graph.model import ScRCL
from scrcl_graph.model.build import Network
from scrcl_graph.nn.ops import csr_from_edges
from scrcl_graph.presets import Preset, get_preset, to_plain, with_parts
from scrcl_graph.tl._checks import check_copy, check_key


def refine(
    adata: AnnData,
    *,
    n_clusters: int | None = None,
    preset: str | Preset = "default",
    layer: str | None = None,
    use_rep: str | None = None,
    spatial_key: str = "spatial",
    connectivities_key: str | None = None,
    batch_key: str | None = None,
    prior: Network | None = None,
    layers: Mapping[str, Spec] | None = None,
    objectives: Mapping[Spec, float] | None = None,
    clusterer: Spec | None = None,
    input_state: InputState | None = None,
    key_added: str = "scrcl",
    model_path: str | PathLike[str] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    random_state: int = 0,
    device: str | torch.device = "auto",
    copy: bool = False,
) -> AnnData | None:
    """Identify cell types or tissue domains without labels.

    Parameters
    ----------
    adata
        Cells x genes: raw counts or log-normalised values. Scaled values in ``X`` are passed over for ``adata.raw``.
        Its matrix may lie in a file (``backed="r"``) or be a dask array; results are in memory then, not in the file.
    n_clusters
        Number of clusters; None chooses it without labels.
    preset
        ``"default"`` (cell types), ``"spatial"`` (tissue domains), ``"paper"`` (scRCL as published), a ``.toml`` file
        (:func:`~scrcl_graph.presets.read_preset`), or a :class:`~scrcl_graph.presets.Preset`.
    layer
        Layer to read, ``"raw"`` for ``adata.raw``; by default ``X``.
    use_rep
        Key of ``obsm`` with coordinates of the cells to start from instead of our own.
    spatial_key
        Key of ``obsm`` with positions, for presets with a spatial graph.
    connectivities_key
        Key of ``obsp`` with a spatial graph of your own, such as one by :func:`squidpy.gr.spatial_neighbors`; it is
        used instead of one made from positions. For presets with a spatial graph.
    batch_key
        Column of ``obs`` with the slice or sample; spatial edges never join two of them, and one shift for each
        (:class:`scrcl_graph.gr.Alignment`) brings their coordinates together.
    prior
        Gene network joined with the correlation graph: a table whose first two columns name genes, a networkx
        graph, or gene sets (:func:`scrcl_graph.gr.read_gmt`).
    layers
        Message-passing layers in place of the preset's, by relation, such as ``{"cell-cell": ("gatv2", {"heads": 4}),
        "gene-gene": MyConv}``; see :class:`~scrcl_graph.nn.RefinementNetwork`.
    objectives
        Weights of objectives beside or in place of the preset's, such as ``{"consistency": 0, my_objective: 2.0}``.
    clusterer
        In place of the preset's: a name, or anything with ``fit_predict``.
    input_state
        ``"counts"`` or ``"lognorm"``, where the values are mistaken for the other.
    key_added
        Name of the results.
    model_path
        Folder to save the model in, for :func:`apply`.
    checkpoint
        Folder that keeps the state of training every ten seconds (docs/scale.md); the same call after a stop goes on
        from there, to the same result. It is left when all is done, and can be deleted then.
    random_state
        Seed. On one CPU machine the same seed gives the same labels.
    device
        ``"auto"`` takes a GPU where there is one.
    copy
        Return a copy with the results instead of writing to ``adata``.

    Returns
    -------
    None, or with ``copy`` the annotated copy. Sets the following fields:

    ``obs[key_added]``
        Clusters ``"0"``, ``"1"``, ... from the largest to the smallest (categorical).
    ``obsm["X_" + key_added]``
        Embedding (float32).
    ``obsm[key_added + "_factors"]``, ``varm[key_added + "_genes"]``
        Factors of the association scores: score = cell factor . gene factor (float32). Rows of genes that were not
        used are zero.
    ``obsp[key_added + "_connectivities"]``
        Cell kNN graph (CSR float32).
    ``varp[key_added + "_gene_connectivities"]``
        Signed gene graph (CSR float32).
    ``uns[key_added]``
        Parameters, versions, loss history, and how the number of clusters was chosen.
    ``uns[key_added + "_colors"]``
        Colour of each cluster, for these plots and scanpy's.

    Raises
    ------
    InputError
        If the input cannot be used; nothing is written then.
    """
    check_copy(adata, copy)
    keys = check_key(adata, key_added)
    chosen = with_parts(get_preset(preset), layers=layers, objectives=objectives, clusterer=clusterer)
    if model_path is not None:
        check_new_folder(Path(model_path))
    if not adata.var_names.is_unique:
        raise InputError("gene names must be unique: call adata.var_names_make_unique()")
    source = read_source(adata, layer)
    model = ScRCL(n_clusters, preset=chosen, random_state=random_state, device=device).fit(
        source.matrix,
        genes=source.genes,
        rep=obsm(adata, use_rep) if use_rep is not None else None,
        spatial=_spatial(adata, spatial_key, connectivities_key, chosen),
        library=slices(adata, batch_key),
        prior=prior,
        input_state=input_state,
        checkpoint=checkpoint,
    )
    if model_path is not None:
        model.save(model_path)
    target = adata.copy() if copy else adata
    _write_cells(target, keys, model.labels_, model.embedding_, model.n_clusters_)
    _write_graph(target, keys, model, source)
    read = {
        "matrix": source.where,
        "layer": _writable(layer),
        "n_genes_read": len(source.genes),
        **_tissue(spatial_key, connectivities_key, batch_key, chosen),
        "state_given": input_state is not None,
    }
    target.uns[keys.key] = _summary(model, chosen.suited(adata.n_obs), keys, read)
    return target if copy else None


def apply(
    adata: AnnData,
    model: ScRCL | str | PathLike[str],
    *,
    layer: str | None = None,
    use_rep: str | None = None,
    spatial_key: str = "spatial",
    connectivities_key: str | None = None,
    batch_key: str | None = None,
    input_state: InputState | None = None,
    key_added: str = "scrcl",
    device: str | torch.device = "auto",
    copy: bool = False,
) -> AnnData | None:
    """Embed and label new cells with a trained model.

    Parameters are as in :func:`refine`; ``model`` is a fitted :class:`~scrcl_graph.ScRCL` or the folder of a saved one.
    ``device`` is for a saved model; a fitted one stays on its own.
    Genes may be fewer, more or in another order; missing ones count as not expressed and are listed in ``uns``.

    Returns
    -------
    None, or with ``copy`` the annotated copy. Sets ``obs[key_added]`` (categorical), ``obsm["X_" + key_added]``
    (float32), ``uns[key_added]`` (versions, input, missing genes) and ``uns[key_added + "_colors"]``.

    Raises
    ------
    InputError
        If the model or the input cannot be used; nothing is written then.
    """
    check_copy(adata, copy)
    keys = check_key(adata, key_added)
    fitted = model if isinstance(model, ScRCL) else ScRCL.load(model, device=device)
    preset = fitted.preset_
    source = read_source(adata, layer)
    embedding = fitted.transform(
        source.matrix,
        genes=source.genes,
        rep=obsm(adata, use_rep) if use_rep is not None else None,
        spatial=_spatial(adata, spatial_key, connectivities_key, preset),
        library=slices(adata, batch_key),
        input_state=input_state,
    )
    target = adata.copy() if copy else adata
    _write_cells(target, keys, fitted.assign(embedding), embedding, fitted.n_clusters_)
    known = set(source.genes)
    target.uns[keys.key] = {
        "input": {"matrix": source.where, **_tissue(spatial_key, connectivities_key, batch_key, preset)},
        "missing_genes": np.array([gene for gene in fitted.genes_ if gene not in known], dtype=object),
        "versions": versions(),
    }
    return target if copy else None


def _write_cells(adata: AnnData, keys: Keys, labels: Any, embedding: Any, n_clusters: int) -> None:
    names = [str(i) for i in range(n_clusters)]
    if keys.key in adata.uns:  # an earlier run: what was made from it is of other clusters, scores and graphs
        for slot in (adata.obs, adata.var, adata.obsm, adata.varm, adata.obsp, adata.varp, adata.uns):
            for name in keys.earlier(list(slot)):
                del slot[name]
    adata.obs[keys.key] = pd.Categorical.from_codes(labels, categories=names)
    adata.obsm[keys.embedding] = embedding
    adata.uns[keys.colors] = np.array(palette(n_clusters), dtype=object)


def _write_graph(adata: AnnData, keys: Keys, model: ScRCL, source: Source) -> None:
    graph = model.graph_
    adata.obsm[keys.factors] = model.association_.cells
    adata.obsp[keys.connectivities] = model.connectivities_
    # The genes used, as rows of this AnnData: adata.raw may hold genes that var does not.
    rows = adata.var_names.get_indexer(list(model.genes_))
    here = rows >= 0
    factors = np.zeros((adata.n_vars, model.association_.genes.shape[1]), np.float32)
    factors[rows[here]] = model.association_.genes[here]
    adata.varm[keys.genes] = factors
    edges = csr_from_edges(graph[COEXPRESSED].edge_index, graph[COEXPRESSED].edge_weight)[here][:, here].tocoo()
    row, col = rows[here][edges.row], rows[here][edges.col]
    adata.varp[keys.gene_connectivities] = sp.csr_matrix((edges.data, (row, col)), shape=(adata.n_vars, adata.n_vars))


def _summary(model: ScRCL, preset: Preset, keys: Keys, read: Mapping[str, Any]) -> dict[str, Any]:
    settings = to_plain(preset)
    plan = settings.pop("plan")
    weights = plan.pop("weights")
    summary: dict[str, Any] = {
        "params": {
            **{name: _writable(value) for name, value in settings.items()},
            **{name: _writable(value) for name, value in plan.items()},
            "random_state": model.random_state,
        },
        "objective_weights": dict(weights),
        "input": {**read, "state": model.input_state_, "n_genes": len(model.genes_)},
        "versions": versions(),
        "history": {
            f"run_{i}": {name: np.array(values) for name, values in history.items()}
            for i, history in enumerate(model.history_)
        },
        "n_clusters": model.n_clusters_,
        "n_clusters_from": "given" if model.k_selection_ is None else "stability",
        "connectivities_key": keys.connectivities,
    }
    if model.k_selection_ is not None:
        summary["k_selection"] = dataclasses.asdict(model.k_selection_)
    return summary


def _writable(value: Any) -> Any:
    """A setting as h5ad can hold it."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_writable(entry)}" for name, entry in value.items())
    if isinstance(value, tuple):
        return ", ".join(str(_writable(entry)) for entry in value)
    return "none" if value is None else value


def _tissue(spatial_key: str, connectivities_key: str | None, batch_key: str | None, preset: Preset) -> dict[str, Any]:
    """Where positions (for statistics and plots also where a graph was read in their place) and slices are."""
    return {
        "spatial_key": spatial_key if preset.n_spatial_neighbors else "none",
        "connectivities_key": _writable(connectivities_key),
        "batch_key": _writable(batch_key),
    }


def _spatial(adata: AnnData, spatial_key: str, connectivities_key: str | None, preset: Preset) -> Any:
    if preset.n_spatial_neighbors == 0:
        if connectivities_key is not None:
            raise InputError(
                f"the preset '{preset.name}' has no spatial graph: leave connectivities_key out, or take 'spatial'"
            )
        return None
    if connectivities_key is None:
        return obsm(adata, spatial_key)
    if connectivities_key not in adata.obsp:
        raise InputError(f"there is no obsp['{connectivities_key}'] (obsp: {', '.join(adata.obsp) or 'none'})")
    return sp.csr_matrix(adata.obsp[connectivities_key])
