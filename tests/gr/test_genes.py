from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist

from scrcl_graph import _preprocess as pre
from scrcl_graph.datasets import plant
from scrcl_graph.gr import gene_correlation, gene_knn, gene_step, union


@pytest.fixture(autouse=True)
def _several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrcl_graph.gr.genes._BLOCK", 17)


@pytest.fixture(scope="module")
def logged() -> sp.csr_matrix:
    return pre.log_normalize(plant(200, 60, 3, module_size=10, density=0.3).counts, "counts")


def test_strongest_correlations_of_either_sign_are_kept_with_their_sign(logged: sp.csr_matrix) -> None:
    dense = logged.toarray().astype(np.float64)
    dense[:, 5] = 3 - dense[:, 7] + 0.05 * np.random.default_rng(0).standard_normal(200)  # a strong negative partner
    dense[:, 11] = 2.5  # no variance
    with np.errstate(invalid="ignore"):
        rho = np.nan_to_num(np.corrcoef(dense.T))
    np.fill_diagonal(rho, 0)
    strongest = np.argsort(-np.abs(rho), axis=1)[:, :4]
    kept = np.zeros_like(rho, dtype=bool)
    np.put_along_axis(kept, strongest, True, axis=1)
    graph = gene_correlation(sp.csr_matrix(dense, dtype=np.float32), 4).toarray()
    np.testing.assert_allclose(graph, np.where(kept | kept.T, rho, 0), atol=1e-5)
    assert graph[5, 7] < -0.99
    assert not graph[11].any()


def test_neighbours_of_a_module_gene_are_of_its_module() -> None:
    planted = plant(800, 100, 4, module_size=12, fold=15, density=0.4)
    graph = gene_correlation(pre.log_normalize(planted.counts, "counts"), 3).maximum(0).tocoo()
    both = (planted.modules[graph.row] >= 0) & (planted.modules[graph.col] >= 0)
    same = planted.modules[graph.row] == planted.modules[graph.col]
    assert same[both].mean() > 0.95


def test_permuting_cells_changes_nothing_and_permuting_genes_permutes(logged: sp.csr_matrix) -> None:
    rng = np.random.default_rng(0)
    cells, genes = rng.permutation(200), rng.permutation(60)
    graph = gene_correlation(logged, 5).toarray()
    np.testing.assert_allclose(gene_correlation(logged[cells], 5).toarray(), graph, atol=1e-6)
    np.testing.assert_allclose(gene_correlation(logged[:, genes], 5).toarray(), graph[genes][:, genes], atol=1e-6)


def test_gene_knn_equals_brute_force_with_the_gene_itself() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.gamma(1, 2, 50), (80, 50)).astype(np.float32) + rng.random((80, 50), dtype=np.float32)
    distance = cdist(counts.T, counts.T)
    expected = np.zeros((50, 50))
    np.put_along_axis(expected, np.argsort(distance, axis=1)[:, :6], 1 / 6, axis=1)
    np.testing.assert_allclose(gene_knn(sp.csr_matrix(counts), 6).toarray(), expected, atol=1e-7)


def test_gene_knn_of_identical_genes_keeps_each_gene_among_its_own() -> None:
    X = sp.csr_matrix(np.tile(np.arange(5, dtype=np.float32)[:, None], (1, 30)))
    graph = gene_knn(X, 4)
    np.testing.assert_allclose(graph.diagonal(), 0.25)
    np.testing.assert_allclose(graph.sum(axis=1), 1)


def test_gene_step_equals_its_formula_and_keeps_the_total_of_each_cell(logged: sp.csr_matrix) -> None:
    signed = gene_correlation(logged, 5).toarray().astype(np.float64)
    signed[3] = -np.abs(signed[3])  # a gene with negative edges only
    step = gene_step(sp.csr_matrix(signed), 0.3).toarray()
    S = signed.clip(0)
    S /= np.maximum(S.sum(axis=1, keepdims=True), 1e-300)
    alone = S.sum(axis=1) == 0
    assert alone[3]
    expected = np.where(alone[:, None], np.eye(60), 0.3 * np.eye(60) + 0.7 * S)
    np.testing.assert_allclose(step, expected, atol=1e-6)
    np.testing.assert_allclose((logged @ step).sum(axis=1), logged.toarray().sum(axis=1), rtol=1e-5)


def test_union_takes_the_weight_of_larger_magnitude() -> None:
    first = sp.csr_matrix(np.array([[0, 0.5, -0.2], [0.1, 0, 0]], dtype=np.float32))
    second = sp.csr_matrix(np.array([[0, -0.7, 0.1], [0, 0.3, 0]], dtype=np.float32))
    expected = np.array([[0, -0.7, -0.2], [0.1, 0.3, 0]], dtype=np.float32)
    joined = union(first, second)
    assert np.array_equal(joined.toarray(), expected)
    assert joined.nnz == 4
