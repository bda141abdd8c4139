from __future__ import annotations

from collections.abc import Callable

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


def logs(total: float | np.ndarray, log: Callable[[np.ndarray], np.ndarray], n_cells: int = 60) -> np.ndarray:
    counts = np.random.default_rng(0).poisson(1.0, (n_cells, 80)) * np.random.default_rng(1).integers(
        1, 9, (n_cells, 1)
    )
    return log(1 + total * counts / counts.sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("X", "unit"),
    [
        (logs(1e4, np.log), pre.Unit("lognorm", np.e)),
        (logs(1e6, np.log), pre.Unit("lognorm", np.e)),
        (logs(1e6, np.log2), pre.Unit("lognorm", 2.0)),
        (logs(1e6, np.log2).round(2), pre.Unit("lognorm", 2.0)),
        (logs(1e6, np.log10), pre.Unit("lognorm", 10.0)),
        (logs(1e8, np.log2), pre.Unit("lognorm", 2.0)),  # beyond the largest logarithm of a usual scale
        (logs(1e6, np.log2)[:, :40], pre.Unit("lognorm")),  # half of the genes have no common sum
        (logs(1e6, np.log2, 4), pre.Unit("lognorm")),  # four cells may have it by chance
        (logs(np.linspace(1e4, 2e4, 60)[:, None], np.log), pre.Unit("lognorm")),
        (
            np.random.default_rng(0).permuted(np.tile(np.linspace(0.1, 12, 80), (60, 1)), axis=1),
            pre.Unit("lognorm", np.e),
        ),
        (np.exp2(logs(1e6, np.log2)) - 1, pre.Unit("counts")),
        ((np.exp2(logs(1e6, np.log2)) - 1) / 1e6, pre.Unit("counts")),  # parts of a whole
    ],
)
def test_logarithms_are_known_by_what_cells_sum_to_without_them(X: np.ndarray, unit: pre.Unit) -> None:
    assert pre.Seen().add(pre.as_csr(X)).unit() == unit
    halves = pre.Seen().add(pre.as_csr(X[: len(X) // 2])).add(pre.as_csr(X[len(X) // 2 :]))
    assert halves.unit() == unit


@pytest.mark.parametrize("base", [2.0, 10.0, np.e, None])
def test_logarithms_of_a_base_become_natural_ones(base: float | None) -> None:
    expected = logs(1e6, np.log)
    X = pre.as_csr(expected / np.log(base or np.e))
    natural = pre.natural_log(X, base)
    np.testing.assert_allclose(natural.toarray(), expected, rtol=1e-6)
    assert (natural is X) == (base in (None, np.e))


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
