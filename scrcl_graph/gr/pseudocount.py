"""Below which abundance expression counts as little: ``log(1 + x / p)`` with another pseudocount p than one.

Log-normalised values are ``log(1 + x)`` of abundances x in parts of 10,000. Where a cell has 160 molecules, one of them
is 62 such parts, so that the logarithm tells little but whether a gene was seen at all.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph._preprocess import linear

Vector = NDArray[np.float32]


def one_molecule(X: sp.csr_matrix) -> Vector:
    """What one molecule is in a median cell, the same for all genes: the median of the cells' smallest positive value.

    At least 1, one part in 10,000: with less, where cells have more molecules than that, two halves of the molecules
    agree less on a cell's neighbours (docs/tried.md).

    Parameters
    ----------
    X
        Log-normalised expression, cells x genes, without explicit zeros.
    """
    starts = X.indptr[:-1][np.diff(X.indptr) > 0]
    smallest = np.expm1(np.minimum.reduceat(X.data, starts)) if len(starts) else np.ones(1)
    return np.full(X.shape[1], max(1.0, float(np.median(smallest))), dtype=np.float32)


def mean_abundance(X: sp.csr_matrix) -> Vector:
    """The mean of each gene over the cells; 1 for genes that no cell expresses.

    With it a rare gene is mostly seen or not seen, and of one that every cell has the amount is compared.

    Parameters
    ----------
    X
        Log-normalised expression, cells x genes.
    """
    mean = np.asarray(linear(X).mean(axis=0, dtype=np.float64)).ravel()
    return np.where(mean > 0, mean, 1.0).astype(np.float32)


def relog(X: sp.csr_matrix, pseudocount: Vector) -> sp.csr_matrix:
    """``log(1 + x / p)`` from ``log(1 + x)``, p by gene; the positions of the entries are shared with X."""
    data = np.expm1(X.data)
    data /= pseudocount[X.indices]
    return sp.csr_matrix((np.log1p(data, out=data), X.indices, X.indptr), shape=X.shape)
