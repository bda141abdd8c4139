"""Ours: a preset, as it is or with one thing changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from anndata import AnnData
from numpy.typing import ArrayLike

from scrcl_graph import tl
from scrcl_graph.presets import get_preset

PACKAGES = ("scrcl-graph", "torch", "torch-geometric")


def run(
    adata: AnnData, n_clusters: int | None, seed: int, *, preset: str, without: Sequence[str] = (), **changes: Any
) -> ArrayLike:
    """Labels of the cells; ``without`` names objectives left out, ``changes`` are attributes of the preset."""
    chosen = replace(get_preset(preset), **changes)
    weights = {name: weight for name, weight in chosen.plan.weights.items() if name not in without}
    chosen = replace(chosen, plan=replace(chosen.plan, weights=weights))
    tl.refine(adata, n_clusters=n_clusters, preset=chosen, random_state=seed)
    labels: ArrayLike = adata.obs["scrcl"].cat.codes.to_numpy()
    return labels
