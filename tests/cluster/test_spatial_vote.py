from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from scrcl_graph.cluster import spatial_vote


def chain(n: int) -> sp.csr_matrix:
    return sp.csr_matrix(sp.diags_array([np.ones(n - 1)] * 2, offsets=[-1, 1]))


def test_an_island_of_one_cell_takes_the_label_around_it() -> None:
    assert spatial_vote(np.array([0, 0, 1, 0, 0, 2, 2, 2]), chain(8)).tolist() == [0, 0, 0, 0, 0, 2, 2, 2]


def test_a_cell_keeps_its_label_in_a_tie_and_without_neighbours() -> None:
    assert spatial_vote(np.array([1, 0]), chain(2)).tolist() == [1, 0]
    assert spatial_vote(np.array([2, 0, 1]), sp.csr_matrix((3, 3))).tolist() == [2, 0, 1]


def test_permuting_cells_permutes_the_vote() -> None:
    rng = np.random.default_rng(0)
    adjacency = sp.random(50, 50, 0.1, format="csr", random_state=1)
    adjacency = sp.csr_matrix(((adjacency + adjacency.T) > 0).astype(np.float32))
    labels, order = rng.integers(3, size=50), rng.permutation(50)
    assert np.array_equal(
        spatial_vote(labels, adjacency)[order], spatial_vote(labels[order], adjacency[order][:, order])
    )
