"""Labels smoothed over the tissue."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from scrcl_graph.cluster._base import Labels, members


def spatial_vote(labels: Labels, adjacency: sp.csr_matrix) -> Labels:
    """Each cell takes the commonest label among itself and its spatial neighbours; its own where that is among them.

    A label that no cell holds afterwards is gone: there may be fewer clusters than before.

    Parameters
    ----------
    labels
        0, ..., k - 1, one per cell.
    adjacency
        Cells x cells graph of ones without self loops.
    """
    member = members(labels, int(labels.max()) + 1)
    votes = (adjacency @ member + 1.5 * member).toarray()  # the half breaks ties in favour of the own label
    winners: Labels = votes.argmax(axis=1).astype(np.int64)
    return winners
