from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from scrcl_graph import ScRCL
from scrcl_graph.model import AssociationFactors


def test_group_means_are_those_of_the_full_score_matrix() -> None:
    rng = np.random.default_rng(0)
    factors = AssociationFactors(
        rng.standard_normal((50, 4)).astype(np.float32), rng.standard_normal((30, 4)).astype(np.float32)
    )
    labels = rng.choice([0, 1, 3], size=50)  # no cell has label 2
    scores = factors.cells @ factors.genes.T
    means = factors.group_means(labels)
    for label in (0, 1, 3):
        np.testing.assert_allclose(means[label], scores[labels == label].mean(axis=0), atol=1e-5)
    assert not means[2].any()


def test_morans_i_equals_the_dense_formula_and_is_nan_without_edges_or_scores() -> None:
    rng = np.random.default_rng(1)
    genes = rng.standard_normal((30, 4)).astype(np.float32)
    genes[7] = 0
    factors = AssociationFactors(rng.standard_normal((50, 4)).astype(np.float32) + 1, genes)
    graph = np.triu(rng.random((50, 50)) < 0.1, 1).astype(np.float64)
    graph += graph.T
    scores = factors.cells.astype(np.float64) @ genes.T.astype(np.float64)
    scores -= scores.mean(axis=0)
    with np.errstate(invalid="ignore"):
        expected = 50 / graph.sum() * np.einsum("ig,ij,jg->g", scores, graph, scores) / (scores**2).sum(axis=0)
    np.testing.assert_allclose(factors.morans_i(sp.csr_matrix(graph)), expected, rtol=1e-6, atol=1e-8)
    assert np.isnan(factors.morans_i(sp.csr_matrix((50, 50)))).all()


def test_profiles_correlate_as_the_scores_do() -> None:
    rng = np.random.default_rng(1)
    cells = rng.standard_normal((200, 6)).astype(np.float32)
    factors = AssociationFactors(cells - cells.mean(axis=0), rng.standard_normal((15, 6)).astype(np.float32))
    profiles = factors.profiles()
    np.testing.assert_allclose(profiles @ profiles.T, np.corrcoef(factors.scores().T), atol=1e-5)
    parts = factors.split(2)
    np.testing.assert_allclose(parts[0].scores() + parts[1].scores(), factors.scores(), atol=1e-4)


def test_scores_are_relative_to_the_average_cell(fitted: ScRCL) -> None:
    factors = fitted.association_
    assert factors.cells.dtype == factors.genes.dtype == np.float32
    scores = factors.cells @ factors.genes.T
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-4 * np.abs(scores).max())
    assert scores.std() > 0
