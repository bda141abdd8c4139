"""Clusters on the tissue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from scrcl_graph._adata.parts import categories, obsm, slices
from scrcl_graph._adata.results import summary
from scrcl_graph._adata.tissue import recorded
from scrcl_graph.pl._shared import axes, coloured, scatter


def spatial(
    adata: AnnData,
    *,
    key: str = "scrcl",
    color: str | None = None,
    spatial_key: str | None = None,
    library_key: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Clusters, or another column of ``obs`` (categories or numbers), on the tissue.

    Positions (``spatial_key``) and slices (``library_key``, a column of ``obs``) are those of the run where they are
    not named. Each slice has a panel of its own, all at one scale and with the same colours: those in ``uns``
    (``color + "_colors"``, as scanpy keeps them).

    Where ``uns["spatial"]`` holds an image of a slice (as scanpy and squidpy read it from a Visium folder;
    under the name of the slice, or the only one where there is one slice), it is drawn below the spots.
    """
    summary(adata, key)
    spatial_key, library_key = recorded(adata, key, spatial_key, library_key)
    name = color or key
    values, of_category = coloured(adata, name)
    points = obsm(adata, spatial_key)[:, :2].astype(np.float64)
    images = adata.uns.get("spatial", {})
    library = slices(adata, library_key)
    if library is None:
        panels = {next(iter(images), "") if len(images) == 1 else "": np.ones(len(points), dtype=bool)}
    else:
        panels = {one: library == one for one in categories(adata, str(library_key)).cat.categories}

    boxes = {one: np.array([points[own].min(axis=0), points[own].max(axis=0)]) for one, own in panels.items()}
    extent = np.max([high - low for low, high in boxes.values()], axis=0)
    extent = np.where(extent > 0, extent, 1.0)
    across = int(np.ceil(np.sqrt(len(panels) * extent[1] / extent[0])))
    across = min(max(across, 1), len(panels))
    down = -(-len(panels) // across)
    side = 4.0 if len(panels) == 1 else 2.5
    ax = axes(ax, 1.5 + side * across, 0.5 + side * down * min(extent[1] / extent[0], 2))
    with_image = False
    for i, (one, own) in enumerate(panels.items()):
        place = np.array([i % across, i // across]) * extent * 1.15
        shift = place - boxes[one][0] if library is not None else np.zeros(2)
        points[own] += shift
        boxes[one] = boxes[one] + shift
        with_image |= _draw_image(ax, images.get(one), shift, boxes[one])
        if library is not None:
            ax.text(boxes[one][0, 0], boxes[one][0, 1] - 0.02 * extent.max(), one, va="bottom", fontsize=8)
    area, alpha = 1600 * side**2 * len(panels), 0.7 if with_image else 1.0
    scatter(ax, points, values, of_category, name, area=area, legend=True, alpha=alpha)
    everything = np.array(list(boxes.values()))
    (left, top), (right, bottom) = everything[:, 0].min(axis=0), everything[:, 1].max(axis=0)
    margin = 0.08 * extent.max()
    # image coordinates: the origin is at the top
    ax.set(xlim=(left - margin, right + margin), ylim=(bottom + margin, top - margin), aspect="equal")
    return ax


def _draw_image(
    ax: Axes, library: Mapping[str, Any] | None, shift: NDArray[np.float64], box: NDArray[np.float64]
) -> bool:
    """The largest image of a slice, clipped to its spots; whether there was one."""
    images = {} if library is None else library.get("images", {})
    for resolution in ("hires", "lowres"):
        if resolution in images:
            assert library is not None
            scale = float(library["scalefactors"][f"tissue_{resolution}_scalef"])
            height, width = (side / scale for side in np.shape(images[resolution])[:2])
            (x, y), margin = shift, 0.04 * np.ptp(box, axis=0).max()
            drawn = ax.imshow(images[resolution], extent=(x, x + width, y + height, y), zorder=0)
            (left, top), (right, bottom) = box[0] - margin, box[1] + margin
            outline = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
            drawn.set_clip_path(Outline(outline), ax.transData)
            return True
    return False
