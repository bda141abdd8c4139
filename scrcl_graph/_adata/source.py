"""The matrix of an AnnData that is read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from anndata import AnnData

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


def _has_negative(X: Any) -> bool:
    """Scaling makes some value of every cell negative: of a matrix that is not in memory the first cells tell."""
    X = first_cells(X)
    values = X.data if sp.issparse(X) else np.asarray(X)
    return bool(values.size and values.min() < 0)
