from __future__ import annotations

import numpy as np
import pytest
import scanpy as sc
import scipy.sparse as sp
from anndata import AnnData
from scipy.stats import chi2_contingency

from scrcl_graph.datasets import plant
from scrcl_graph.gr import dispersed_genes, gene_inertia, informative_genes


def test_inertia_equals_the_dense_formula_and_sums_to_chi_square() -> None:
    X = plant(80, 40, 2, module_size=5, density=0.4).counts[:, :]
    dense = X.toarray().astype(np.float64)
    assert (dense.sum(axis=0) > 0).all()
    P = dense / dense.sum()
    expected = np.outer(P.sum(axis=1), P.sum(axis=0))
    inertia = gene_inertia(X)
    np.testing.assert_allclose(inertia, ((P - expected) ** 2 / expected).sum(axis=0), rtol=1e-10)
    assert inertia.sum() * dense.sum() == pytest.approx(chi2_contingency(dense)[0], rel=1e-8)


def test_inertia_of_many_cells_is_summed_in_double_precision() -> None:
    dense = np.random.default_rng(0).gamma(0.5, size=(400_000, 3)).astype(np.float32)
    exact = gene_inertia(sp.csr_matrix(dense.astype(np.float64)))
    np.testing.assert_allclose(gene_inertia(sp.csr_matrix(dense)), exact, rtol=1e-6)


def test_a_gene_without_expression_has_no_inertia_and_is_never_chosen() -> None:
    dense = plant(60, 30, 2, module_size=5, density=0.4).counts.toarray()
    dense[:, 4] = 0
    dense[3] = 0  # an empty cell does no harm
    X = sp.csr_matrix(dense)
    assert gene_inertia(X)[4] == 0
    assert 4 not in informative_genes(X, 30)
    assert 4 not in informative_genes(sp.csr_matrix(X[:2]), 30)  # no gene is seen in 3 cells: expressed ones are kept


def test_planted_modules_are_chosen_in_the_order_of_the_input() -> None:
    data = plant(600, 200, 4, module_size=10, fold=10, density=0.3)
    chosen = informative_genes(data.counts, 40)
    assert np.array_equal(chosen, np.sort(chosen))
    assert (data.modules[chosen] >= 0).mean() > 0.9


def test_a_gene_seen_in_two_cells_is_left_out() -> None:
    dense = plant(100, 30, 2, module_size=5, density=0.4).counts.toarray()
    dense[:, 0] = 0
    dense[:2, 0] = 50
    X = sp.csr_matrix(dense)
    assert gene_inertia(X).argmax() == 0
    assert 0 not in informative_genes(X, 30)


def test_permuting_cells_changes_no_choice() -> None:
    X = plant(150, 80, 3, module_size=8, density=0.3).counts
    order = np.random.default_rng(0).permutation(150)
    assert np.array_equal(informative_genes(X, 25), informative_genes(X[order], 25))


def test_dispersed_genes_are_those_of_scanpys_seurat_flavour() -> None:
    counts = plant(500, 400, 4, module_size=10, fold=6, density=0.2).counts
    log = AnnData(counts.copy())
    sc.pp.normalize_total(log, target_sum=1e4)
    linear = log.X.copy()
    sc.pp.log1p(log)
    sc.pp.highly_variable_genes(log, n_top_genes=100, flavor="seurat")
    chosen = dispersed_genes(sp.csr_matrix(linear), 100)
    assert len(np.setdiff1d(chosen, np.flatnonzero(log.var["highly_variable"]))) <= 1  # the last place may differ
    assert np.array_equal(chosen, np.sort(chosen))


def test_dispersed_genes_are_expressed_ones() -> None:
    dense = plant(60, 30, 2, module_size=5, density=0.4).counts.toarray()
    dense[:, 4] = 0
    assert set(dispersed_genes(sp.csr_matrix(dense), 30)) == set(np.flatnonzero(dense.sum(axis=0)))
