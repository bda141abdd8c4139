"""Ours: a preset, with its own clusterer or another."""

from __future__ import annotations

from dataclasses import replace

from anndata import AnnData
from numpy.typing import ArrayLike

from scrcl_graph import tl
from scrcl_graph.presets import get_preset

PACKAGES = ("scrcl-graph", "torch", "torch-geometric")


def run(adata: AnnData, n_clusters: int | None, seed: int, *, preset: str, clusterer: str | None = None) -> ArrayLike:
    """Labels of the cells."""
    chosen = get_preset(preset)
    if clusterer is not None:
        chosen = replace(chosen, clusterer=clusterer)
    tl.refine(adata, n_clusters=n_clusters, preset=chosen, random_state=seed)
    labels: ArrayLike = adata.obs["scrcl"].cat.codes.to_numpy()
    return labels
