"""The verb of spatial analysts: tissue domains of one slice or many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike

import torch
from anndata import AnnData

from scrcl_graph._errors import InputError
from scrcl_graph._preprocess import InputState
from scrcl_graph._registry import Spec
from scrcl_graph.presets import get_preset
from scrcl_graph.tl.refine import refine


def domains(
    adata: AnnData,
    *,
    n_clusters: int | None = None,
    library_key: str | None = None,
    spatial_key: str = "spatial",
    spatial_graph: str = "knn",
    n_neighbors: int = 6,
    radius: float | None = None,
    connectivities_key: str | None = None,
    spatial_vote: bool = False,
    layers: Mapping[str, Spec] | None = None,
    layer: str | None = None,
    input_state: InputState | None = None,
    key_added: str = "scrcl",
    model_path: str | PathLike[str] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    random_state: int = 0,
    device: str | torch.device = "auto",
    copy: bool = False,
) -> AnnData | None:
    """Identify tissue domains without labels: :func:`refine` with the preset ``"spatial"``.

    A cell is described at two scales, by its surroundings one step and four steps away on the spatial graph. Networks
    trained on the graph of cells and genes refine this, and a Gaussian mixture that starts from connected regions
    finds the domains. Cells without an annotation belong in ``adata`` too: they are part of the tissue.

    Parameters
    ----------
    adata
        Cells or spots x genes: raw counts or log-normalised values.
    n_clusters
        Number of domains; None chooses it without labels.
    library_key
        Column of ``obs`` with the slice. No spatial edge joins two slices, one shift for each brings their coordinates
        together, and a domain has the same name in all.
    spatial_key
        Key of ``obsm`` with positions, in any unit.
    spatial_graph
        ``"knn"``, ``"delaunay"``, ``"radius"`` or ``"grid"``; see :func:`scrcl_graph.gr.spatial_neighbors`.
    n_neighbors
        Spatial neighbours, for ``"knn"`` and ``"grid"``.
    radius
        For ``"radius"``, in the unit of the positions.
    connectivities_key
        Key of ``obsp`` with a spatial graph of your own, made with any builder of squidpy; replaces the four above.
    spatial_vote
        Whether each cell then takes the commonest domain of its neighbourhood.
    layers
        As in :func:`refine`.
    layer, input_state, key_added, model_path, checkpoint, random_state, device, copy
        As in :func:`refine`, as are the fields that are set.

    Raises
    ------
    InputError
        If the input cannot be used; nothing is written then.
    """
    if n_neighbors < 1:
        raise InputError(f"n_neighbors is {n_neighbors}, but domains need at least 1 spatial neighbour")
    preset = replace(
        get_preset("spatial"),
        spatial_graph=spatial_graph,
        n_spatial_neighbors=n_neighbors,
        spatial_radius=radius,
        spatial_vote=spatial_vote,
    )
    return refine(
        adata,
        n_clusters=n_clusters,
        preset=preset,
        layers=layers,
        layer=layer,
        spatial_key=spatial_key,
        connectivities_key=connectivities_key,
        batch_key=library_key,
        input_state=input_state,
        key_added=key_added,
        model_path=model_path,
        checkpoint=checkpoint,
        random_state=random_state,
        device=device,
        copy=copy,
    )
