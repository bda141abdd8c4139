from __future__ import annotations

import numpy as np
import pytest
from anndata import AnnData
from scipy import sparse

from scrcl_graph.benchmark.slices import cut_in_two


@pytest.mark.parametrize("axis", [0, 1])
def test_a_tissue_is_cut_by_position_and_its_second_half_loses_molecules(axis: int) -> None:
    rng = np.random.default_rng(0)
    tissue = AnnData(sparse.csr_matrix(rng.poisson(2.0, (400, 300)).astype(np.float32)))
    tissue.obsm["spatial"] = rng.uniform(size=(400, 2))
    stack = cut_in_two(tissue, axis, seed=0)
    first = (stack.obs["slice"] == "first").to_numpy()
    place, middle = stack.obsm["spatial"][:, axis], np.median(tissue.obsm["spatial"][:, axis])
    assert first.sum() == 200
    assert (place[first] < middle).all()
    assert (place[~first] >= middle).all()

    before = tissue[stack.obs_names.str.removesuffix("-first").str.removesuffix("-second")].X.toarray()
    after = stack.X.toarray()
    assert np.array_equal(after[first], before[first])
    assert (after == np.round(after)).all()
    assert (after <= before).all()
    assert after[~first].sum() / before[~first].sum() == pytest.approx(np.exp(0.5**2 / 2) / 3, rel=0.1)
    kept = after[~first].sum(axis=0) / before[~first].sum(axis=0)
    assert np.log(kept).std() == pytest.approx(0.5, rel=0.15)


def test_cells_without_a_molecule_left_are_dropped() -> None:
    tissue = AnnData(sparse.csr_matrix(np.ones((100, 1), dtype=np.float32)))
    tissue.obsm["spatial"] = np.arange(200.0).reshape(100, 2)
    stack = cut_in_two(tissue, 0, seed=0)
    assert 50 < stack.n_obs < 90
    assert (np.diff(stack.X.indptr) > 0).all()
