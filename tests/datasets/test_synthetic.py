from __future__ import annotations

import sys

import numpy as np
import pytest

from scrcl_graph import datasets


def test_module_genes_are_raised_in_their_type_by_the_planted_fold_and_others_are_not() -> None:
    data = datasets.plant(800, 200, 4, density=0.3, fold=6.0, seed=0)
    counts = data.counts.toarray()
    for kind in range(4):
        inside, outside = counts[data.types == kind].mean(axis=0), counts[data.types != kind].mean(axis=0)
        fold = inside[data.modules == kind].sum() / outside[data.modules == kind].sum()
        assert fold == pytest.approx(6, rel=0.1)
        background = inside[data.modules == -1].sum() / outside[data.modules == -1].sum()
        assert background == pytest.approx(1, rel=0.1)
    assert [(data.modules == kind).sum() for kind in range(4)] == [20] * 4


def test_counts_are_whole_numbers_of_about_the_density_asked_for() -> None:
    counts = datasets.plant(300, 400, 4, density=0.1, fold=1.0, seed=1).counts
    assert counts.dtype == np.float32
    assert (counts.data == np.round(counts.data)).all()
    assert counts.data.min() >= 1
    assert counts.nnz / np.prod(counts.shape) == pytest.approx(0.1, rel=0.3)


def test_domains_are_bands_of_the_tissue_held_mostly_by_one_type() -> None:
    data = datasets.plant(2000, 100, 4, seed=2)
    assert np.array_equal(data.domains, np.floor(data.positions[:, 1] * 4).astype(int))
    assert np.mean(data.types == data.domains) == pytest.approx(0.8 + 0.2 / 4, abs=0.03)


def test_same_seed_same_data_however_it_is_cut_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    first = datasets.plant(120, 90, 3, seed=5)
    monkeypatch.setattr(sys.modules["scrcl_graph.datasets.synthetic"], "_CHUNK", 7)
    second, other = (datasets.plant(120, 90, 3, seed=seed) for seed in (5, 6))
    assert (first.counts != second.counts).nnz == 0
    assert np.array_equal(first.types, second.types)
    assert (first.counts != other.counts).nnz > 0


def test_the_genes_of_a_seed_are_the_same_for_any_number_of_cells() -> None:
    few, many = (datasets.plant(n_cells, 200, 4, density=0.3, fold=1.0, seed=7) for n_cells in (2000, 4000))
    assert np.array_equal(few.modules, many.modules)
    means = [np.asarray(data.counts.mean(axis=0)).ravel() for data in (few, many)]
    assert np.corrcoef(*means)[0, 1] > 0.99


def test_the_anndata_holds_what_was_planted() -> None:
    adata, data = datasets.synthetic(50, 90, 3, seed=4), datasets.plant(50, 90, 3, seed=4)
    assert (data.counts != adata.X).nnz == 0
    assert [f"type_{i}" for i in data.types] == list(adata.obs["cell_type"])
    assert [f"domain_{i}" for i in data.domains] == list(adata.obs["domain"])
    assert np.array_equal(adata.var["module"], data.modules)
    assert np.array_equal(adata.obsm["spatial"], data.positions)


def test_modules_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="4 modules of 20 genes do not fit in 79 genes"):
        datasets.plant(50, 79, 4)
