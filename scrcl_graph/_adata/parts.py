"""Columns and coordinates of the cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData
from numpy.typing import NDArray

from scrcl_graph._errors import InputError


def obs_column(adata: AnnData, name: str) -> pd.Series:
    """``obs[name]``, or InputError."""
    if name not in adata.obs:
        raise InputError(f"there is no obs['{name}'] (obs: {', '.join(adata.obs) or 'none'})")
    return adata.obs[name]


def all_categories(adata: AnnData, name: str) -> pd.Series:
    """``obs[name]`` as categories named by text, in the order of what they are, or InputError."""
    column = obs_column(adata, name).astype("category")
    names = column.cat.categories.astype(str)
    if not names.is_unique:
        raise InputError(f"obs['{name}'] has two values that read '{names[names.duplicated()][0]}': rename one")
    return column.cat.rename_categories(names)


def categories(adata: AnnData, name: str) -> pd.Series:
    """:func:`all_categories` without empty ones."""
    return all_categories(adata, name).cat.remove_unused_categories()


def slices(adata: AnnData, library_key: str | None) -> NDArray[Any] | None:
    """Slice of each cell as text, None for no key, or InputError."""
    if library_key is None:
        return None
    column = categories(adata, library_key)
    if missing := int(column.isna().sum()):
        raise InputError(f"obs['{library_key}'] is missing for {missing} cells: name their slice, or leave them out")
    names: NDArray[Any] = np.asarray(column.cat.categories)[column.cat.codes]
    return names


def obsm(adata: AnnData, key: str) -> NDArray[Any]:
    """``obsm[key]``, or InputError."""
    if key not in adata.obsm:
        raise InputError(f"there is no obsm['{key}'] (obsm: {', '.join(adata.obsm) or 'none'})")
    if sp.issparse(adata.obsm[key]):
        raise InputError(f"obsm['{key}'] is sparse: store it as a dense array of cells x dimensions")
    return np.asarray(adata.obsm[key])
