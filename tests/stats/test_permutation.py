from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import kstest

from scrcl_graph import stats
from scrcl_graph.datasets import plant

GROUPS = np.repeat([0, 1, 2], [90, 40, 20])


def residuals(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dense count residuals, and the depth of the cells."""
    depth = counts.sum(axis=1)
    share = counts.sum(axis=0) / depth.sum()
    return (counts - np.outer(depth, share)) / np.sqrt(depth)[:, None], depth


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    return np.asarray(plant(150, 60, 3, module_size=5, density=0.4, seed=1).counts.toarray(), dtype=np.float64)


@pytest.mark.parametrize("kind", ["counts", "log"])
def test_effect_and_p_value_equal_those_of_drawn_permutations(counts: np.ndarray, kind: str) -> None:
    y, depth = residuals(counts)
    if kind == "counts":
        found = stats.compare_groups(sp.csr_matrix(counts), GROUPS, 3, depth=depth)
    else:
        y = np.log1p(counts)
        found = stats.compare_groups(sp.csr_matrix(y), GROUPS, 3)
    z = (y - y.mean(axis=0)) / y.std(axis=0)
    rng = np.random.default_rng(0)
    order = np.argsort(rng.random((20_000, 150)), axis=1)
    for group in range(3):
        own = group == GROUPS
        np.testing.assert_allclose(found.effect[:, group], z[own].mean(axis=0) - z[~own].mean(axis=0), atol=1e-8)
        m = int(own.sum())
        drawn = np.zeros((len(order), z.shape[1]))
        for column in order[:, :m].T:
            drawn += z[column]
        seen = z[own].sum(axis=0)
        tied = (np.abs(drawn - seen) < 1e-6).mean(axis=0) / 2  # a tie counts half
        above, below = ((sign * (drawn - seen) > 1e-6).mean(axis=0) + tied for sign in (1, -1))
        wanted = 2 * np.minimum(above, below)
        common = (counts > 0).sum(axis=0) > 30
        assert np.abs(found.pvalue[common, group] - wanted[common]).max() < 0.05
        assert np.abs(found.pvalue[common, group] - wanted[common]).mean() < 0.015


def test_p_values_are_uniform_where_labels_are_random() -> None:
    data = plant(600, 800, 1, module_size=0, density=0.3, seed=3)
    depth = np.asarray(data.counts.sum(axis=1), dtype=np.float64).ravel()
    labels = np.random.default_rng(0).choice(3, 600, p=[0.6, 0.3, 0.1])
    found = stats.compare_groups(data.counts, labels, 3, depth=depth)
    for group in range(3):
        assert kstest(found.pvalue[:, group], "uniform").pvalue > 0.01
        assert (found.padj[:, group] < 0.05).sum() <= 1


def test_groups_that_differ_only_in_depth_have_no_genes() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 500)
    rates = rng.lognormal(0, 0.5, 400) * np.where(labels == 0, 0.2, 0.8)[:, None]
    counts = sp.csr_matrix(rng.poisson(rates).astype(np.float32))
    depth = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    assert kstest(stats.compare_groups(counts, labels, 2, depth=depth).pvalue[:, 0], "uniform").pvalue > 0.01
    logged = sp.csr_matrix(counts.multiply(1e4 / depth[:, None])).log1p()
    assert (stats.compare_groups(logged, labels, 2).padj[:, 0] < 0.05).mean() > 0.5  # why counts are preferred


def test_specificity_and_fraction_follow_their_definitions(counts: np.ndarray) -> None:
    _, depth = residuals(counts)
    found = stats.compare_groups(sp.csr_matrix(counts), GROUPS, 3, depth=depth)
    share = np.stack([counts[g == GROUPS].sum(axis=0) / depth[g == GROUPS].sum() for g in range(3)], axis=1)
    np.testing.assert_allclose(found.specificity, share / share.sum(axis=1, keepdims=True), atol=1e-10)
    for group in range(3):
        np.testing.assert_allclose(found.fraction[:, group], (counts[group == GROUPS] > 0).mean(axis=0))


def test_a_gene_without_variance_is_never_called() -> None:
    X = sp.csr_matrix(np.column_stack([np.zeros(12), np.ones(12), np.arange(12.0)]))
    found = stats.compare_groups(X, np.repeat([0, 1], 6), 2)
    np.testing.assert_array_equal(found.pvalue[:2], 1)
    np.testing.assert_array_equal(found.effect[:2], 0)
    assert found.pvalue[2].max() < 0.02
    assert all(np.isfinite(table).all() for table in vars(found).values())


def test_contrast_is_against_the_mean_and_the_nearest_of_the_other_groups(counts: np.ndarray) -> None:
    labels = np.arange(len(counts)) % 3
    test = stats.compare_groups(sp.csr_matrix(counts), labels, 3)
    scaled = (counts - counts.mean(0)) / counts.std(0)
    a, b, c = (scaled[labels == group].mean(0) for group in range(3))
    np.testing.assert_allclose(test.contrast[:, 0], a - ((b + c) / 2 + np.maximum(b, c)) / 2, atol=1e-9)
    assert np.corrcoef(test.contrast[:, 1], b - ((a + c) / 2 + np.maximum(a, c)) / 2)[0, 1] > 1 - 1e-9


def test_skewed_genes_of_random_groups_are_not_called() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(3 * rng.lognormal(0, 2, (1500, 500)))  # a few cells have most molecules of a gene
    labels = (rng.permutation(1500) < 12).astype(np.int64)
    depth = np.maximum(counts.sum(axis=1), 1).astype(np.float64)
    found = stats.compare_groups(sp.csr_matrix(counts, dtype=np.float64), labels, 2, depth=depth)
    assert found.pvalue.min() > 0
    assert (found.padj < 0.05).sum() <= 2


def test_the_mean_of_a_common_gene_with_dropouts_has_no_p_value_of_zero() -> None:
    rng = np.random.default_rng(0)
    y = np.where(rng.random((1000, 300)) < 0.01, 0.0, 5 + 0.1 * rng.standard_normal((1000, 300)))  # skewed to below
    weights = sp.csr_matrix(
        (np.full(200, 0.05), (np.repeat(np.arange(10), 20), rng.choice(1000, 200))), shape=(10, 1000)
    )
    found = stats.compare_weighted(sp.csr_matrix(y), weights)
    assert found.pvalue.min() > 0


def test_the_format_of_the_matrix_does_not_matter(counts: np.ndarray) -> None:
    square = counts[:60]
    labels, depth = np.arange(60) % 3, square.sum(axis=1)
    rows, columns = (
        stats.compare_groups(make(square), labels, 3, depth=depth) for make in (sp.csr_matrix, sp.csc_matrix)
    )
    np.testing.assert_array_equal(rows.pvalue, columns.pvalue)


def test_random_groups_of_blood_cells_have_no_genes(data_dir: Path) -> None:
    adata = anndata.read_h5ad(data_dir / "pbmc3k.h5ad")
    depth = np.asarray(adata.X.sum(axis=1), dtype=np.float64).ravel()
    for seed, size in enumerate((10, 20, 50)):
        labels = (np.random.default_rng(seed).permutation(adata.n_obs) < size).astype(np.int64)
        found = stats.compare_groups(adata.X, labels, 2, depth=depth)
        assert (found.padj < 0.05).sum() <= 2
        assert found.pvalue.min() > 0
