"""New cells take the commonest label around them."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from scrcl_graph.cluster import nearest_vote


def test_the_vote_is_that_of_the_fifteen_nearest_and_ties_go_to_the_smaller_label() -> None:
    rng = np.random.default_rng(0)
    known, labels = rng.normal(size=(300, 3)).astype(np.float32), rng.integers(0, 4, 300)
    cells = rng.normal(size=(80, 3)).astype(np.float32)
    nearest = np.argsort(cdist(cells, known), axis=1)[:, :15]
    votes = np.stack([np.bincount(row, minlength=4) for row in labels[nearest]])
    assert (np.sort(votes, axis=1)[:, -1] == np.sort(votes, axis=1)[:, -2]).any()  # there are ties
    assert np.array_equal(nearest_vote(cells, known, labels), votes.argmax(axis=1))


def test_a_type_of_four_of_twenty_known_cells_is_not_outvoted() -> None:
    rng = np.random.default_rng(1)
    known = rng.normal(scale=0.1, size=(20, 2)).astype(np.float32)
    known[16:] += 5
    labels = np.repeat([0, 1], [16, 4])
    cells = np.array([[0, 0], [5, 5]], dtype=np.float32)
    assert nearest_vote(cells, known, labels).tolist() == [0, 1]
