"""The cells of an AnnData that have a group, and where they lie."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData
from numpy.typing import NDArray

from scrcl_graph._errors import InputError
from scrcl_graph._keys import is_run
from scrcl_graph.gr import spatial_neighbors
from scrcl_graph.tl._source import obs_column, obsm

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tissue:
    """The cells that have a group: their positions, slices and graph.

    Attributes
    ----------
    known
        Which cells of the AnnData they are.
    groups
        Group of each, without unused categories.
    positions, library, adjacency
        Theirs.
    """

    known: NDArray[np.bool_]
    groups: pd.Categorical
    positions: NDArray[np.float64]
    library: NDArray[Any] | None
    adjacency: sp.csr_matrix


def read_groups(adata: AnnData, column: str) -> tuple[NDArray[np.bool_], pd.Categorical]:
    """Which cells have a group, and their groups without unused categories, or InputError."""
    if column not in adata.obs:
        raise InputError(f"there is no obs['{column}'] (obs: {', '.join(adata.obs) or 'none'})")
    known = adata.obs[column].notna().to_numpy()
    return known, pd.Categorical(adata.obs[column][known]).remove_unused_categories()


def read_tissue(adata: AnnData, column: str, spatial_key: str, library_key: str | None, n_neighbors: int) -> Tissue:
    """Positions, slices and spatial graph of the cells that have a group, or InputError."""
    known, groups = read_groups(adata, column)
    positions = obsm(adata, spatial_key)[known].astype(np.float64)
    run = adata.uns.get(column)
    slices = run["input"].get("batch_key", "none") if is_run(run) else "none"
    if library_key is None and slices != "none":
        logger.warning("the run had slices in obs['%s'] and is read as one: give library_key='%s'", slices, slices)
    library = obs_column(adata, library_key)
    library = None if library is None else library[known]
    return Tissue(
        known, groups, positions, library, spatial_neighbors(positions, n_neighbors=n_neighbors, library=library)
    )
