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
    negative values (it was scaled) and ``raw`` does not.

    Raises
    ------
    InputError
        If the layer does not exist.
    """
    if layer == "raw" or (layer is None and adata.raw is not None and _has_negative(adata.X)):
        if adata.raw is None:
            raise InputError("layer='raw' was asked for, but adata.raw is empty")
        if layer is None:
            logger.info("X holds negative values, as after scaling: adata.raw is used instead")
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


def obsm(adata: AnnData, key: str) -> NDArray[Any]:
    """``obsm[key]``, or InputError."""
    if key not in adata.obsm:
        raise InputError(f"there is no obsm['{key}'] (obsm: {', '.join(adata.obsm) or 'none'})")
    return np.asarray(adata.obsm[key])


def obs_column(adata: AnnData, key: str | None) -> NDArray[Any] | None:
    """``obs[key]`` as strings, None for no key, or InputError."""
    if key is None:
        return None
    if key not in adata.obs:
        raise InputError(f"there is no obs['{key}'] (obs: {', '.join(adata.obs) or 'none'})")
    return np.asarray(adata.obs[key].astype(str))


def _has_negative(X: Any) -> bool:
    """Scaling makes some value of every cell negative: of a matrix that is not in memory the first cells tell."""
    X = first_cells(X)
    values = X.data if sp.issparse(X) else np.asarray(X)
    return bool(values.size and values.min() < 0)
