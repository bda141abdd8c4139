"""Labels of new cells from those of known ones."""

from __future__ import annotations

import numpy as np

from scrcl_graph.cluster._base import Embedding, Labels
from scrcl_graph.gr.cells import nearest, neighbors_of_few

_VOTERS = 15


def nearest_vote(cells: Embedding, known: Embedding, labels: Labels, seed: int = 0) -> Labels:
    """The commonest label of each cell's 15 nearest known cells, fewer where few are known; ties to the smaller label.

    Parameters
    ----------
    cells, known
        Embeddings, m x d and n x d.
    labels
        0, ..., k - 1, of the known cells.
    seed
        Of the search where there are many known cells (:func:`scrcl_graph.gr.nearest`).
    """
    voters = nearest(cells, known, n_neighbors=neighbors_of_few(_VOTERS, len(known)), seed=seed)
    votes = np.zeros((len(cells), int(labels.max()) + 1), dtype=np.int32)
    np.add.at(votes, (np.arange(len(cells))[:, None], labels[voters]), 1)
    winners: Labels = votes.argmax(axis=1).astype(np.int64)
    return winners
