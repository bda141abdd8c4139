"""Clusters on the UMAP of the embedding."""

from __future__ import annotations

import warnings

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes
from numpy.typing import NDArray

from scrcl_graph._adata.results import summary
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph._seeds import check_seed
from scrcl_graph._settings import threads_kept
from scrcl_graph.cluster import unit_rows
from scrcl_graph.gr import nearest
from scrcl_graph.pl._shared import axes, coloured, scatter

_FEWEST_POINTS = 5
UMAP_CELLS = 20_000  # more are sampled: the picture does not change, the minutes do


def umap(
    adata: AnnData, *, key: str = "scrcl", color: str | None = None, seed: int = 0, ax: Axes | None = None
) -> Axes:
    """UMAP of the embedding, coloured by cluster or by another column of ``obs``: categories or numbers.

    Categories have the colours in ``uns`` (``color + "_colors"``, as scanpy keeps them). Of more than 20,000 cells a
    random sample is shown, and the title says so. Nothing is written to ``adata``.
    """
    summary(adata, key)
    name = color or key
    values, of_category = coloured(adata, name)
    rows, note = sampled(adata, seed)
    points = umap_points(np.asarray(adata.obsm[Keys(key).embedding])[rows], seed)
    return scatter(axes(ax, 5.5, 5), points, values.iloc[rows], of_category, f"UMAP by {name}{note}")


def sampled(adata: AnnData, seed: int) -> tuple[NDArray[np.intp], str]:
    """Rows of at most 20,000 cells, and what a title says of it."""
    if adata.n_obs <= UMAP_CELLS:
        return np.arange(adata.n_obs), ""
    rows = np.sort(np.random.default_rng(seed).choice(adata.n_obs, UMAP_CELLS, replace=False))
    return rows, f", {UMAP_CELLS:,} of {adata.n_obs:,} cells"


def umap_points(embedding: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Two UMAP coordinates per row of an embedding (cosine distance to the 15 nearest, itself one of them).

    The neighbours are ours: those of umap-learn need half a minute of compilation in every process.
    """
    from umap import UMAP

    check_seed(seed)
    if len(embedding) < _FEWEST_POINTS:
        raise InputError(f"{len(embedding)} cells are too few for a UMAP: at least {_FEWEST_POINTS} are needed")

    with warnings.catch_warnings(), threads_kept():
        warnings.simplefilter("ignore")  # umap's notes on seeds and threads
        unit, n_neighbors = unit_rows(embedding), min(15, len(embedding) - 1)
        neighbors = np.column_stack([np.arange(len(unit)), nearest(unit, n_neighbors=n_neighbors - 1, seed=seed)])
        cosines = np.stack([(unit * unit[column]).sum(axis=1) for column in neighbors.T], axis=1)
        mapper = UMAP(
            n_neighbors=n_neighbors,
            metric="cosine",
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(neighbors, np.maximum(1 - cosines, 0), None),
            force_approximation_algorithm=True,  # or it would look for neighbours of few cells itself
        )
        points = mapper.fit_transform(unit)
    return np.asarray(points, dtype=np.float32)
