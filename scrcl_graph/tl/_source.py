"""Which parts of an AnnData to read, or what is missing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from anndata import AnnData
from numpy.typing import NDArray

from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys, is_run
from scrcl_graph._matrix import first_cells

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A matrix of an AnnData with the names of its genes.

    Attributes
    ----------
    matrix
        Cells x genes.
    genes
        Their names.
    where
        ``"X"``, ``"raw.X"`` or ``"layers[...]"``.
    """

    matrix: Any
    genes: list[str]
    where: str


def read_source(adata: AnnData, layer: str | None) -> Source:
    """The matrix a user means.

    ``layer`` where it is given, ``"raw"`` standing for ``adata.raw``. Otherwise ``X``, or ``raw.X`` where X holds
    negative values (it was scaled) or nothing.

    Raises
    ------
    InputError
        If the layer does not exist.
    """
    instead = layer is None and adata.raw is not None and (adata.X is None or _has_negative(adata.X))
    if layer == "raw" or instead:
        if adata.raw is None:
            raise InputError("layer='raw' was asked for, but adata.raw is empty")
        if instead:
            why = "is empty" if adata.X is None else "holds negative values, as after scaling"
            logger.info("X %s: adata.raw is used instead", why)
        return Source(adata.raw.X, list(adata.raw.var_names), "raw.X")
    if layer is not None:
        if layer not in adata.layers:
            have = ", ".join(adata.layers) or "none"
            raise InputError(f"there is no layer '{layer}' (layers: {have}); layer='raw' stands for adata.raw")
        return Source(adata.layers[layer], list(adata.var_names), f"layers[{layer!r}]")
    if adata.X is None:
        raise InputError("adata.X is empty: name the matrix to use with layer=")
    return Source(adata.X, list(adata.var_names), "X")


def check_copy(adata: AnnData, copy: bool) -> None:
    """InputError where a copy is wanted of an AnnData whose X lies in a file."""
    if copy and adata.isbacked:
        raise InputError("an AnnData opened with backed= cannot be copied: leave copy out, and it gets the results")
    if adata.isbacked and adata.is_view:
        raise InputError("a part of an AnnData opened with backed= cannot get results: load it with adata.to_memory()")


def check_key(adata: AnnData, key: str) -> Keys:
    """The names of results under ``key``; InputError if they could not be written, or are taken by something else.

    Results of an earlier run are replaced: it left both labels and embedding (``uns`` does not outlive a concat).
    """
    if not isinstance(key, str) or not key or "/" in key or key in ("_index", adata.obs.index.name):
        raise InputError(f"key_added is {key!r}: give a text without '/' that is not the name of the index of obs")
    keys = Keys(key)
    there = adata.uns.get(key)
    if is_run(there):
        return keys
    taken = None
    if there is not None:
        taken = f"uns['{key}']"
    elif (key in adata.obs) != (keys.embedding in adata.obsm):
        taken = f"obs['{key}']" if key in adata.obs else f"obsm['{keys.embedding}']"
    if taken:
        raise InputError(f"there is {taken} already, which is not of an earlier run: choose another key_added")
    return keys


def obsm(adata: AnnData, key: str) -> NDArray[Any]:
    """``obsm[key]``, or InputError."""
    if key not in adata.obsm:
        raise InputError(f"there is no obsm['{key}'] (obsm: {', '.join(adata.obsm) or 'none'})")
    if sp.issparse(adata.obsm[key]):
        raise InputError(f"obsm['{key}'] is sparse: store it as a dense array of cells x dimensions")
    return np.asarray(adata.obsm[key])


def obs_column(adata: AnnData, key: str | None) -> NDArray[Any] | None:
    """``obs[key]`` as strings, None for no key, or InputError."""
    if key is None:
        return None
    if key not in adata.obs:
        raise InputError(f"there is no obs['{key}'] (obs: {', '.join(adata.obs) or 'none'})")
    if missing := int(adata.obs[key].isna().sum()):
        raise InputError(f"obs['{key}'] is missing for {missing} cells: name their slice, or leave these cells out")
    return np.asarray(adata.obs[key].astype(str))


def _has_negative(X: Any) -> bool:
    """Scaling makes some value of every cell negative: of a matrix that is not in memory the first cells tell."""
    X = first_cells(X)
    values = X.data if sp.issparse(X) else np.asarray(X)
    return bool(values.size and values.min() < 0)
