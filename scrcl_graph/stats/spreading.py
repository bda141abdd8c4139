"""A few labels spread over a graph."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_PULL = 0.9  # of the neighbours, against a node's own label
_STEPS = 100  # 0.9^100 = 3e-5


def spread(adjacency: sp.csr_matrix, labels: NDArray[np.integer], n_labels: int) -> NDArray[np.float64]:
    r"""Share of each label in each node after label spreading (Zhou et al. 2004).

    :math:`F \leftarrow a D^{-1/2} A D^{-1/2} F + (1 - a) Y` with a = 0.9, where Y has a one at each known label,
    divided by how many nodes have that label, so that a label is not favoured for being given often.

    Parameters
    ----------
    adjacency
        n x n, symmetric, not negative.
    labels
        Label of each node, 0 to ``n_labels - 1``, each given at least once; -1 for none.
    n_labels
        How many.

    Returns
    -------
    n x labels; rows sum to one, or are 0 in a component of the graph without labels.
    """
    known = np.flatnonzero(labels >= 0)
    Y = np.zeros((len(labels), n_labels))
    Y[known, labels[known]] = 1 / np.bincount(labels[known], minlength=n_labels)[labels[known]]
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    root = sp.diags(np.divide(1.0, np.sqrt(degree), out=np.zeros(len(degree)), where=degree > 0))
    S = root @ adjacency @ root
    F = Y
    for _ in range(_STEPS):
        F = _PULL * (S @ F) + (1 - _PULL) * Y
    total = F.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(F, total, out=np.zeros_like(F), where=total > 0))
