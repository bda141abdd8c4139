from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from scrcl_graph.gr import along_tissue, halo, sample_cells


def _grid(side: int) -> sp.csr_matrix:
    path = sp.diags_array([np.ones(side - 1), np.ones(side - 1)], offsets=[-1, 1])
    return sp.csr_matrix(sp.kron(path, sp.eye_array(side)) + sp.kron(sp.eye_array(side), path))


def test_few_cells_are_all_taken() -> None:
    assert np.array_equal(sample_cells(50, 50), np.arange(50))
    assert np.array_equal(sample_cells(50, None), np.arange(50))


def test_random_cells_are_a_set_in_order_that_depends_on_the_seed_only() -> None:
    taken = sample_cells(1000, 100, seed=1)
    assert len(set(taken)) == 100
    assert (np.diff(taken) > 0).all()
    assert np.array_equal(taken, sample_cells(1000, 100, seed=1))
    assert not np.array_equal(taken, sample_cells(1000, 100, seed=2))


def test_patches_of_tissue_keep_most_of_their_edges() -> None:
    grid = _grid(60)
    taken = sample_cells(3600, 600, grid, seed=0)
    assert 600 <= len(taken) < 700
    kept = grid[taken][:, taken].nnz / grid[taken].nnz
    scattered = np.random.default_rng(0).choice(3600, 600, replace=False)
    assert kept > 0.7 > grid[scattered][:, scattered].nnz / grid[scattered].nnz + 0.3


def test_a_cell_without_neighbours_is_a_patch_of_its_own() -> None:
    assert len(sample_cells(100, 10, sp.csr_matrix((100, 100)))) == 10


def test_the_halo_is_what_can_be_reached_in_so_many_steps() -> None:
    line = sp.csr_matrix(sp.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1]))
    assert halo(line, np.array([4, 5]), steps=2).tolist() == [2, 3, 6, 7]


def test_neighbours_are_near_along_the_tissue() -> None:
    shuffled = np.random.default_rng(0).permutation(900)
    grid = _grid(30)[shuffled][:, shuffled].tocoo()
    place = np.argsort(along_tissue(grid.tocsr()))
    assert np.abs(place[grid.row] - place[grid.col]).max() < 100
