"""Ours: a preset, as it is or with one thing changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from anndata import AnnData
from numpy.typing import ArrayLike

from scrcl_graph import tl
from scrcl_graph._registry import NOTHING, from_text
from scrcl_graph.presets import get_preset

PACKAGES = ("scrcl-graph", "torch", "torch-geometric")


def run(
    adata: AnnData,
    n_clusters: int | None,
    seed: int,
    *,
    preset: str,
    without: Sequence[str] = (),
    layers: Mapping[str, str] = NOTHING,
    **changes: Any,
) -> ArrayLike:
    """Labels of the cells.

    ``without`` names objectives left out, ``layers`` are texts by relation, ``changes`` are attributes of the preset.
    """
    chosen = replace(get_preset(preset), **changes)
    tl.refine(
        adata,
        n_clusters=n_clusters,
        preset=chosen,
        layers={place: from_text(text) for place, text in layers.items()},
        objectives=dict.fromkeys(without, 0),
        random_state=seed,
    )
    labels: ArrayLike = adata.obs["scrcl"].cat.codes.to_numpy()
    return labels
