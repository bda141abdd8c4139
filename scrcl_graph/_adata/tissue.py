"""The cells of an AnnData that have a group, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData
from numpy.typing import NDArray

from scrcl_graph._adata.parts import categories, obsm, slices
from scrcl_graph._errors import InputError
from scrcl_graph._keys import is_run
from scrcl_graph.gr import spatial_neighbors


@dataclass(frozen=True)
class Tissue:
    """The cells that have a group: their positions, slices and graph.

    Attributes
    ----------
    known
        Which cells of the AnnData they are.
    groups
        Group of each, without unused categories.
    library_key
        Column of ``obs`` with the slices.
    positions, library, adjacency
        Theirs.
    """

    known: NDArray[np.bool_]
    groups: pd.Categorical
    positions: NDArray[np.float64]
    library_key: str | None
    library: NDArray[Any] | None
    adjacency: sp.csr_matrix


def read_tissue(
    adata: AnnData, column: str, key: str, spatial_key: str | None, library_key: str | None, n_neighbors: int
) -> Tissue:
    """Positions, slices and spatial graph of the cells that have a group, or InputError."""
    groups = categories(adata, column)
    known = groups.notna().to_numpy()
    spatial_key, library_key = recorded(adata, key, spatial_key, library_key)
    positions = obsm(adata, spatial_key)[known].astype(np.float64)
    library = slices(adata, library_key)
    library = None if library is None else library[known]
    adjacency = spatial_neighbors(positions, n_neighbors=n_neighbors, library=library)
    return Tissue(known, groups.array[known], positions, library_key, library, adjacency)


def recorded(adata: AnnData, key: str, spatial_key: str | None, library_key: str | None) -> tuple[str, str | None]:
    """Where positions and slices are: as given, otherwise as the run under ``key`` was given them; or InputError."""
    run = adata.uns.get(key)
    read = {name: value for name, value in run["input"].items() if value != "none"} if is_run(run) else {}
    library_key = library_key or read.get("batch_key")
    if library_key is not None and library_key not in adata.obs:
        raise InputError(
            f"the slices of '{key}' are named by obs['{library_key}'], which is not there: pass library_key"
        )
    return spatial_key or read.get("spatial_key", "spatial"), library_key
