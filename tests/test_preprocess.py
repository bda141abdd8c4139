from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from scrcl_graph import InputError
from scrcl_graph import _preprocess as pre

COUNTS = np.array([[0, 3, 1], [2, 0, 0], [0, 0, 0], [5, 1, 4]], dtype=np.float64)


@pytest.mark.parametrize(
    "kind", [np.asarray, np.ndarray.tolist, pd.DataFrame, sp.csc_matrix, sp.coo_array, sp.csr_matrix]
)
def test_any_matrix_becomes_the_same_csr(kind: type) -> None:
    csr = pre.as_csr(kind(COUNTS))
    assert isinstance(csr, sp.csr_matrix)
    assert csr.dtype == np.float32
    assert np.array_equal(csr.toarray(), COUNTS)
    assert csr.nnz == 6


def test_zeros_and_duplicates_are_resolved_without_touching_the_input() -> None:
    raw = sp.csr_matrix((np.array([1, 2, 0, 4], np.float32), np.array([2, 2, 1, 0]), np.array([0, 3, 4])), shape=(2, 3))
    csr = pre.as_csr(raw)
    assert csr.has_canonical_format
    assert np.array_equal(csr.data, [3, 4])
    assert np.array_equal(csr.toarray(), [[0, 0, 3], [4, 0, 0]])
    assert np.array_equal(raw.data, [1, 2, 0, 4])
    assert np.array_equal(raw.indices, [2, 2, 1, 0])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([["a", "b"], ["c", "d"]], "numeric cells x genes matrix"),
        (np.zeros((2, 2, 2)), "numeric cells x genes matrix"),
        (np.ones(5), "1 x 5: at least 2 cells"),
        (np.ones((4, 1)), "4 x 1: at least 2 cells and 2 genes"),
        ([[1, np.nan], [0, 1]], "NaN or infinite"),
        ([[1, np.inf], [0, 1]], "NaN or infinite"),
    ],
)
def test_matrices_that_cannot_be_used_are_refused(X: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pre.as_csr(X)


@pytest.mark.parametrize(
    ("X", "state"),
    [
        (COUNTS, "counts"),
        (np.log1p(COUNTS), "lognorm"),
        (COUNTS * 7.3, "counts"),  # linear abundances such as TPM: beyond any logarithm
        (COUNTS + 0.5, "lognorm"),
    ],
)
def test_the_state_is_told_from_the_values(X: np.ndarray, state: str) -> None:
    assert pre.detect_state(pre.as_csr(X)) == state


@pytest.mark.parametrize(("X", "message"), [(COUNTS - 1, "negative values"), (np.zeros((3, 3)), "only zeros")])
def test_scaled_and_empty_values_are_refused(X: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pre.detect_state(pre.as_csr(X))


def test_log_normalisation_equals_its_formula_and_is_undone_up_to_depth() -> None:
    X = pre.as_csr(COUNTS)
    logged = pre.log_normalize(X, "counts")
    totals = np.maximum(COUNTS.sum(axis=1, keepdims=True), 1)
    np.testing.assert_allclose(logged.toarray(), np.log1p(1e4 * COUNTS / totals), rtol=1e-6)
    np.testing.assert_allclose(pre.linear(logged).toarray(), 1e4 * COUNTS / totals, rtol=1e-5)
    assert np.array_equal(X.toarray(), COUNTS)
    assert pre.log_normalize(logged, "lognorm") is logged
