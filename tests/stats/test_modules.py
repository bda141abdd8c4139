from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from scrcl_graph import _preprocess as pre
from scrcl_graph import stats
from scrcl_graph.datasets import plant


@pytest.fixture(scope="module")
def logged() -> sp.csr_matrix:
    return pre.log_normalize(plant(300, 60, 3, module_size=10, density=0.3, seed=0).counts, "counts")


def test_membership_is_the_correlation_with_the_other_genes_of_the_module(logged: sp.csr_matrix) -> None:
    labels = np.repeat([0, 1, -1], 20)
    labels[0] = 2  # a gene alone
    z = logged.toarray().astype(np.float64)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    found = stats.membership(logged, labels)
    for gene in (1, 7, 25, 39):
        others = (labels == labels[gene]) & (np.arange(60) != gene)
        assert found[gene] == pytest.approx(np.corrcoef(z[:, gene], z[:, others].sum(axis=1))[0, 1], abs=1e-5)
    assert found[0] == 0
    assert not found[40:].any()
    scores = stats.module_scores(logged, labels)
    np.testing.assert_allclose(scores[:, 1], z[:, labels == 1].mean(axis=1), atol=1e-5)


def test_shuffled_genes_are_confirmed_only_by_chance(logged: sp.csr_matrix) -> None:
    null = stats.null_membership(logged, seed=1)
    again = stats.null_membership(logged, seed=2)
    labels = np.zeros(60, dtype=np.int64)
    assert (stats.confirmed(labels, again, null) >= 0).sum() <= 5
    assert (stats.confirmed(labels, np.full(60, null.max() + 0.1), null) == 0).all()


def test_small_modules_are_dissolved_and_the_largest_is_first() -> None:
    labels = np.repeat([0, 1, 2], [4, 6, 9])
    found = stats.confirmed(labels, np.ones(19), np.zeros(100), min_genes=5)
    assert found.tolist() == [-1] * 4 + [1] * 6 + [0] * 9


def test_recovery_is_the_best_jaccard_index() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, -1])
    same, half = np.array([5, 5, 5, 5, 2, 2, -1]), np.array([0, 0, 1, 1, -1, -1, -1])
    np.testing.assert_allclose(stats.recovery(labels, [same]), [1, 1])
    np.testing.assert_allclose(stats.recovery(labels, [same, half]), [0.75, 0.5])
    assert np.isnan(stats.recovery(labels, [])).all()
