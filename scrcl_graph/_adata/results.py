"""Reading what :func:`refine` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData
from numpy.typing import NDArray

from scrcl_graph import _preprocess as pre
from scrcl_graph._adata.parts import categories
from scrcl_graph._adata.source import Source, read_source
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys, is_run
from scrcl_graph._matrix import Matrix
from scrcl_graph.model import AssociationFactors


def summary(adata: AnnData, key: str) -> dict[str, Any]:
    """``uns[key]`` of a run, or InputError."""
    if key not in adata.obs or not is_run(adata.uns.get(key)):
        raise InputError(f"there are no results under '{key}': run scrcl_graph.tl.refine first")
    found: dict[str, Any] = adata.uns[key]
    return found


def factors(adata: AnnData, key: str) -> tuple[AssociationFactors, NDArray[np.intp]]:
    """The association factors of all cells and genes, and the rows of ``var`` that the model used; or InputError."""
    keys = Keys(key)
    if keys.factors not in adata.obsm or keys.genes not in adata.varm:
        raise InputError(f"there are no association factors under '{key}': run scrcl_graph.tl.refine first")
    found = AssociationFactors(np.asarray(adata.obsm[keys.factors]), np.asarray(adata.varm[keys.genes]))
    used = np.flatnonzero(np.abs(found.genes).sum(axis=1) > 0)
    if not len(used):
        raise InputError(f"none of the genes that '{key}' is based on is in adata.var, only in adata.raw")
    return found, used


def grouping(adata: AnnData, column: str, key: str) -> pd.Series:
    """A column of ``obs`` as categories without empty ones, or InputError."""
    if column == key and column not in adata.obs:
        raise InputError(f"there are no clusters under '{key}': run scrcl_graph.tl.refine first")
    return categories(adata, column)


@dataclass(frozen=True)
class Expression:
    """What was measured of some genes.

    Attributes
    ----------
    values
        Cells x genes: counts, or log-normalised expression.
    depth
        Molecules per cell over all genes, where values are counts; otherwise None.
    where
        The matrix of the AnnData.
    """

    values: sp.csr_matrix
    depth: NDArray[np.float64] | None
    where: str

    @property
    def log(self) -> sp.csr_matrix:
        """Log-normalised."""
        return self.values if self.depth is None else pre.log_normalize(self.values, "counts", self.depth)


def expression(adata: AnnData, genes: Sequence[str], layer: str | None, key: str) -> Expression:
    """Measured expression; ``layer`` None stands for what :func:`refine` read.

    Raises
    ------
    InputError
        If the results are those of :func:`apply`, the layer does not exist, its values cannot be used, or it does not
        have one of the genes.
    """
    read, source = _measured(adata, layer, key)
    # Values whose state was detected are looked at again: they may have been normalised since.
    matrix = Matrix(source.matrix, read["state"] if layer is None and read.get("state_given", True) else None)
    columns = pd.Index(source.genes).get_indexer(list(genes))
    if (columns < 0).any():
        raise InputError(f"{source.where} does not have the gene {genes[int(np.argmax(columns < 0))]} of the model")
    values, totals = matrix.take(columns)
    return Expression(values, np.maximum(totals, 1.0) if matrix.state == "counts" else None, source.where)


def measured_genes(adata: AnnData, layer: str | None, key: str) -> list[str]:
    """Names of all genes that :func:`expression` can read, or InputError."""
    return _measured(adata, layer, key)[1].genes


def _measured(adata: AnnData, layer: str | None, key: str) -> tuple[dict[str, Any], Source]:
    """How :func:`refine` read its input, and the matrix to read now."""
    run = adata.uns.get(key)
    read = run["input"] if is_run(run) else {}
    if "layer" not in read:
        raise InputError(f"the results under '{key}' are not of scrcl_graph.tl.refine: run it first")
    if layer is None and read["matrix"].startswith("layers["):
        layer = read["layer"]
    elif layer is None and read["matrix"] == "raw.X":
        layer = "raw"
    return read, read_source(adata, layer)
