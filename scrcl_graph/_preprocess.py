"""From the matrix a user brings to log-normalised expression.

Three input states are told apart from the values alone: raw counts (or any linear abundance such as TPM),
log-normalised values, and scaled values. Scaled values cannot be used: centring makes every entry non-zero, and
the cell-gene edges of the graph are the non-zero entries. Logarithms of base 2 or 10, as ``log2(1 + CPM)``, are made
natural where they can be told: where what they are the logarithms of has the same sum in every cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph._errors import InputError

InputState = Literal["counts", "lognorm"]
TARGET_SUM = 1e4
# log1p(1e4 * share) is at most log(10001) = 9.2; log2(1 + CPM) at most 19.93. Linear abundances exceed this.
_LARGEST_LOG = 20.0
# Cells have the same sum if its standard deviation is below this share of it: logarithms rounded to two decimals stay
# below, and sums that nobody made equal differ by tens of per cent, so that a few cells tell.
_SAME_TOTAL, _FEWEST_TOTALS = 1e-2, 5
_BASES = (np.e, 2.0, 10.0, None)
_EXPONENTS = (1.0, 30.0)  # largest values that may be logarithms: parts of a whole are below, linear abundances above


def as_csr(X: object, *, smallest: int = 2) -> sp.csr_matrix:
    """Any two-dimensional numeric matrix as a float32 CSR matrix without explicit zeros.

    Raises
    ------
    InputError
        If ``X`` is not a two-dimensional numeric matrix, is empty, or holds NaN or infinite values.
    """
    try:
        if np.issubdtype(getattr(X, "dtype", np.float32), np.complexfloating):
            raise TypeError("its values are complex")
        with np.errstate(over="ignore"):  # values beyond float32 become infinite, and are refused below
            csr = sp.csr_matrix(X, dtype=np.float32)
    except (TypeError, ValueError) as err:
        raise InputError(f"the expression matrix must be a numeric cells x genes matrix: {err}") from err
    check_shape(csr.shape, smallest)
    if not np.isfinite(csr.data).all():
        raise InputError("the expression matrix holds NaN or infinite values: remove or replace them first")
    if not csr.has_canonical_format or (csr.data == 0).any():
        csr = csr.copy()  # never change the caller's matrix in place
        csr.sum_duplicates()
        csr.eliminate_zeros()
    return csr


def check_shape(shape: tuple[int, ...], smallest: int) -> None:
    """InputError unless there are so many cells and genes."""
    if min(shape) < smallest:
        needed = f"{smallest} cells and {smallest} genes"
        raise InputError(f"the expression matrix is {shape[0]} x {shape[1]}: at least {needed} are needed")


@dataclass(frozen=True)
class Unit:
    """What values are.

    Attributes
    ----------
    state
        Abundances or their logarithms.
    base
        Of logarithms of which it can be told: ``base**x - 1`` has the same sum in every cell. Otherwise None.
    whole
        Whether all are whole numbers, which says that they are counts.
    """

    state: InputState
    base: float | None = None
    whole: bool = field(default=False, compare=False)


@dataclass
class Seen:
    """What the values of the cells seen so far tell about their unit."""

    stored: int = 0
    largest: float = 0.0
    integers: bool = True
    n_cells: int = 0
    moments: dict[float | None, NDArray[np.float64]] = field(default_factory=dict)

    def add(self, X: sp.csr_matrix) -> Seen:
        """Look at more cells; InputError if values are negative, as after ``scanpy.pp.scale``."""
        if X.nnz == 0:
            return self
        if X.data.min() < 0:
            raise InputError(
                "the expression matrix holds negative values, as after scaling: pass raw counts or log-normalised "
                "values with layer=, or keep them in adata.raw"
            )
        self.stored += X.nnz
        self.largest = max(self.largest, float(X.data.max()))
        self.integers = self.integers and bool((X.data == np.round(X.data)).all())
        self.n_cells += int(np.count_nonzero(np.diff(X.indptr)))
        if not self.integers:
            for base in _BASES:
                if base is None or self.largest < _EXPONENTS[1]:
                    totals = cell_totals(X if base is None else linear(natural_log(X, base)))
                    powers = np.array([np.count_nonzero(totals), totals.sum(), (totals**2).sum()])
                    self.moments[base] = self.moments.get(base, np.zeros(3)) + powers
        return self

    def unit(self, known: Unit | None = None) -> Unit:
        """Linear values are ``"counts"``, logarithmic ones ``"lognorm"``; InputError if all were zero.

        ``known`` is the unit of like cells: where neither whole numbers nor equal sums tell, these are taken for the
        same. (Not where those were whole numbers and these are not.)
        """
        if self.stored == 0:
            raise InputError("the expression matrix holds only zeros: check that the right layer is used")
        if self.integers:
            return Unit("counts", whole=True)
        few = self.n_cells < _FEWEST_TOTALS
        for candidate in _BASES:
            n, total, squares = self.moments.get(candidate, np.zeros(3))
            told = n == self.n_cells and not few and (candidate is None or self.largest > _EXPONENTS[0])
            if told and squares / n - (total / n) ** 2 < (_SAME_TOTAL * total / n) ** 2:
                return Unit("counts") if candidate is None else Unit("lognorm", candidate)
        if self.largest > _LARGEST_LOG:
            return Unit("counts")
        return Unit("lognorm") if known is None or known.whole else known


def detect_state(X: sp.csr_matrix) -> InputState:
    """``"counts"`` for linear non-negative values, ``"lognorm"`` for logarithmic ones.

    Raises
    ------
    InputError
        If values are negative, or all are zero.
    """
    return Seen().add(X).unit().state


def check_state(given: InputState | None) -> InputState | None:
    """``given``, or InputError if there is no such state."""
    if given is not None and given not in get_args(InputState):
        raise InputError(f"unknown input_state '{given}': choose one of {', '.join(get_args(InputState))}")
    return given


def cell_totals(X: sp.csr_matrix) -> NDArray[np.float64]:
    """The sum of each cell."""
    return np.asarray(X.sum(axis=1), dtype=np.float64).ravel()


def log_normalize(X: sp.csr_matrix, state: InputState, totals: NDArray[np.float64] | None = None) -> sp.csr_matrix:
    """``log(1 + 1e4 x / sum x)`` per cell for counts; log-normalised input is returned as it is.

    Parameters
    ----------
    X
        Cells x genes, non-negative.
    state
        What the values are; see :func:`detect_state`.
    totals
        Sums of the cells, where ``X`` holds only some genes.
    """
    if state == "lognorm":
        return X
    if totals is None:
        totals = cell_totals(X)
    scale = TARGET_SUM / np.maximum(totals, 1.0)
    out = X.copy()
    out.data = np.log1p(out.data * np.repeat(scale, np.diff(X.indptr))).astype(np.float32)
    return out


def natural_log(X: sp.csr_matrix, base: float | None) -> sp.csr_matrix:
    """Natural logarithms from those of a base; X itself where they are natural, or the base cannot be told."""
    if base in (None, np.e):
        return X
    out = X.copy()
    out.data = out.data * np.float32(np.log(base))
    return out


def linear(log_X: sp.csr_matrix) -> sp.csr_matrix:
    """Abundances from log-normalised values: ``exp(x) - 1``."""
    out = log_X.copy()
    out.data = np.expm1(out.data)
    return out
