from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp

from scrcl_graph import _preprocess as pre
from scrcl_graph.datasets import plant
from scrcl_graph.gr import Coordinates, correspondence, gene_correlation, gene_step, given, join, pca

K = 6
Fit = Callable[..., Coordinates]


@pytest.fixture(scope="module")
def logged() -> sp.csr_matrix:
    return pre.log_normalize(plant(70, 45, 3, module_size=8, density=0.4, seed=1).counts, "counts")


@pytest.fixture(scope="module", params=[False, True], ids=["no_step", "gene_step"])
def step(request: pytest.FixtureRequest, logged: sp.csr_matrix) -> sp.csr_matrix | None:
    return gene_step(gene_correlation(logged, 4), 0.3) if request.param else None


def _apply(dense: np.ndarray, step: sp.csr_matrix | None) -> np.ndarray:
    return dense if step is None else dense @ step.toarray().astype(np.float64)


def _z_scores(dense: np.ndarray) -> np.ndarray:
    std = dense.std(axis=0)
    return (dense - dense.mean(axis=0)) / np.where(std > 0, std, np.inf)


def _same_up_to_sign(got: np.ndarray, want: np.ndarray, atol: float = 1e-4) -> None:
    signs = np.sign((got * want).sum(axis=0))
    np.testing.assert_allclose(got * signs, want, atol=atol * np.abs(want).max())


def test_correspondence_analysis_equals_a_dense_svd(logged: sp.csr_matrix, step: sp.csr_matrix | None) -> None:
    P = _apply(logged.toarray().astype(np.float64), step)
    P /= P.sum()
    r, c = P.sum(axis=1), P.sum(axis=0)
    U, values, Vt = np.linalg.svd((P - np.outer(r, c)) / np.sqrt(np.outer(r, c)))
    principal = U[:, :K] / np.sqrt(r)[:, None] * values[:K]
    genes = Vt[:K].T / np.sqrt(c)[:, None] * values[:K]
    fitted = correspondence(logged, K, gene_step=step)
    _same_up_to_sign(fitted.transform(logged), principal)  # the transition formula gives the principal coordinates
    _same_up_to_sign(fitted.genes, genes / np.sqrt((genes**2).mean()))


@pytest.mark.parametrize("scale", [True, False])
def test_pca_equals_a_dense_svd(logged: sp.csr_matrix, step: sp.csr_matrix | None, scale: bool) -> None:
    dense = logged.toarray().astype(np.float64)
    Z = _apply(_z_scores(dense) if scale else dense - dense.mean(axis=0), step)
    U, values, Vt = np.linalg.svd(Z)
    fitted = pca(logged, K, gene_step=step, scale=scale)
    _same_up_to_sign(fitted.transform(logged), U[:, :K] * values[:K])
    genes = Vt[:K].T * values[:K]
    _same_up_to_sign(fitted.genes, genes / np.sqrt((genes**2).mean()))


def test_an_extreme_value_is_cut_ten_standard_deviations_above_the_mean(logged: sp.csr_matrix) -> None:
    rng = np.random.default_rng(0)
    dense = sp.vstack([logged] * 3).toarray() * rng.uniform(0.9, 1.1, (210, 45)).astype(np.float32)
    dense[0, 0] = 1e4
    ceiling = dense[:, 0].mean(dtype=np.float64) + 10 * dense[:, 0].std(dtype=np.float64)
    assert ceiling < 1e4
    clipped = dense.astype(np.float64)
    clipped[0, 0] = ceiling
    U, values, _ = np.linalg.svd(_z_scores(clipped), full_matrices=False)
    X = sp.csr_matrix(dense)
    before = X.copy()
    _same_up_to_sign(pca(X, K).transform(X), U[:, :K] * values[:K])
    assert np.array_equal(X.data, before.data)


@pytest.mark.parametrize("scale", [True, False])
def test_full_rank_pca_decodes_to_the_z_scores(logged: sp.csr_matrix, scale: bool) -> None:
    few = logged[:30]  # fewer cells than genes: rank 29 once centred
    fitted = pca(few, 29, scale=scale)
    expected = _z_scores(few.toarray().astype(np.float64))
    np.testing.assert_allclose(fitted.transform(few) @ fitted.decoder.T, expected, atol=1e-3)


@pytest.mark.parametrize("fit", [correspondence, pca])
def test_permuting_cells_permutes_the_coordinates(logged: sp.csr_matrix, step: sp.csr_matrix | None, fit: Fit) -> None:
    order = np.random.default_rng(0).permutation(70)
    one, other = fit(logged, K, gene_step=step), fit(logged[order], K, gene_step=step, seed=5)
    np.testing.assert_allclose(other.transform(logged[order]), one.transform(logged)[order], atol=1e-3)
    np.testing.assert_allclose(other.genes, one.genes, atol=1e-3)


@pytest.mark.parametrize("fit", [correspondence, pca])
def test_a_cell_is_placed_the_same_alone_and_among_others(logged: sp.csr_matrix, fit: Fit) -> None:
    fitted = fit(logged, K)
    np.testing.assert_allclose(fitted.transform(logged[7]), fitted.transform(logged)[7:8], atol=1e-6)


def test_correspondence_sees_profiles_not_totals(logged: sp.csr_matrix) -> None:
    fitted = correspondence(logged, K)
    np.testing.assert_allclose(fitted.transform(3 * logged), fitted.transform(logged), atol=1e-6)
    empty, average = sp.csr_matrix((1, 45)), sp.csr_matrix(logged.sum(axis=0))
    for neutral in (empty, average):
        np.testing.assert_allclose(fitted.transform(neutral), 0, atol=1e-6)


def test_empty_genes_and_fewer_dimensions_than_asked() -> None:
    dense = np.random.default_rng(0).poisson(2, (8, 12)).astype(np.float32)
    dense[:, 3] = 0
    X = sp.csr_matrix(dense)
    for fitted in (correspondence(X, 30), pca(X, 30)):
        assert fitted.loadings.shape == (12, 7)
        assert np.isfinite(fitted.transform(X)).all()
        np.testing.assert_allclose(fitted.genes[3], 0, atol=1e-6)


def test_joined_maps_have_unit_spread_each_and_one_decoder(logged: sp.csr_matrix) -> None:
    parts = [correspondence(logged, K), pca(logged, 4)]
    joined = join(parts, logged)
    placed = joined.transform(logged)
    np.testing.assert_allclose([placed[:, :K].var(axis=0).mean(), placed[:, K:].var(axis=0).mean()], 1, rtol=1e-4)
    assert joined.genes.shape == (45, K + 4)
    estimate = parts[1].transform(logged) @ parts[1].decoder.T  # correspondence analysis decodes nothing
    np.testing.assert_allclose(placed @ joined.decoder.T, estimate, atol=1e-4)


def test_a_map_that_decodes_nothing_gets_a_regression_for_decoder_where_it_is_alone(logged: sp.csr_matrix) -> None:
    joined = join([correspondence(logged, K)], logged)
    placed = joined.transform(logged).astype(np.float64)
    z_scores = _z_scores(logged.toarray().astype(np.float64))
    expected = np.linalg.lstsq(np.hstack([placed, np.ones((len(placed), 1))]), z_scores)[0][:-1].T
    np.testing.assert_allclose(joined.decoder, expected, atol=1e-4)


def test_two_maps_of_z_scores_do_not_count_them_twice(logged: sp.csr_matrix) -> None:
    parts = [pca(logged, 8), pca(logged, 5)]
    joined = join(parts, logged)
    estimate = parts[0].transform(logged) @ parts[0].decoder.T
    np.testing.assert_allclose(joined.transform(logged) @ joined.decoder.T, estimate, atol=2e-3)


def test_decoder_of_given_coordinates_is_the_least_squares_fit(logged: sp.csr_matrix) -> None:
    rep = np.random.default_rng(0).standard_normal((70, 5)).astype(np.float32) * 40 + 7
    fitted = given(rep, logged)
    F = fitted.transform(rep)
    np.testing.assert_allclose(F.mean(axis=0), 0, atol=1e-5)
    assert (F**2).mean() == pytest.approx(1, rel=1e-5)
    expected = np.linalg.lstsq(F.astype(np.float64), _z_scores(logged.toarray().astype(np.float64)))[0].T
    np.testing.assert_allclose(fitted.decoder, expected, atol=1e-4)
    np.testing.assert_allclose(fitted.genes, expected / np.sqrt((expected**2).mean()), atol=1e-3)


def test_given_coordinates_without_spread_or_full_rank_stay_finite(logged: sp.csr_matrix) -> None:
    column = np.random.default_rng(0).standard_normal((70, 1)).astype(np.float32)
    constant, doubled = given(np.ones((70, 2), np.float32), logged), given(np.hstack([column, column]), logged)
    assert not constant.transform(np.ones((70, 2), np.float32)).any()
    assert not constant.decoder.any()
    np.testing.assert_allclose(doubled.decoder[:, 0], doubled.decoder[:, 1], atol=1e-5)
    single = given(column, logged)
    np.testing.assert_allclose(
        doubled.transform(np.hstack([column, column])) @ doubled.decoder.T,
        single.transform(column) @ single.decoder.T,
        atol=1e-4,
    )
