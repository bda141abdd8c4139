from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pytest
import scipy.sparse as sp
from anndata import AnnData
from anndata.io import sparse_dataset, write_elem

from scrcl_graph import InputError, _matrix, gr
from scrcl_graph import _preprocess as pre
from scrcl_graph._matrix import Matrix

Place = Callable[[sp.csr_matrix], Any]


@pytest.fixture(params=["csr file", "dense file", "dask csr", "dask dense", "zarr"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a matrix lies that is not in memory; blocks of files hold 300 entries."""

    def lay(X: sp.csr_matrix) -> Any:
        if request.param.startswith("dask"):
            da = pytest.importorskip("dask.array")
            return da.from_array(X if request.param == "dask csr" else X.toarray(), chunks=(7, X.shape[1]))
        if request.param == "zarr":
            store = pytest.importorskip("zarr").open_group(tmp_path / "cells.zarr", mode="w")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # anndata on versions of zarr
                write_elem(store, "X", X)
            return sparse_dataset(store["X"])
        file = h5py.File(tmp_path / "cells.h5", "w")
        write_elem(file, "X", X if request.param == "csr file" else X.toarray())
        return sparse_dataset(file["X"]) if request.param == "csr file" else file["X"]

    return lay


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_matrix, "BLOCK", 300)


@pytest.fixture
def counts(planted: AnnData) -> sp.csr_matrix:
    return sp.csr_matrix(planted.X, dtype=np.float32)


def test_blocks_hold_all_cells_and_no_more_entries_than_allowed(counts: sp.csr_matrix, place: Place) -> None:
    blocks = list(Matrix(place(counts)))
    assert len(blocks) > 20
    assert max(block.nnz for block in blocks) <= max(300, 7 * counts.shape[1])
    assert (sp.vstack(blocks) != counts).nnz == 0


def test_genes_taken_and_totals_are_those_of_the_matrix_in_memory(counts: sp.csr_matrix, place: Place) -> None:
    columns = np.array([90, 3, 4, 150])  # in any order
    values, totals = Matrix(place(counts)).take(columns)
    np.testing.assert_array_equal(values.toarray(), counts[:, columns].toarray())
    np.testing.assert_array_equal(totals, counts.toarray().sum(axis=1))
    assert values.indices.dtype == values.indptr.dtype == np.int32


@pytest.mark.parametrize("rank", [gr.informative_genes, gr.dispersed_genes])
def test_the_same_genes_are_chosen_from_blocks(counts: sp.csr_matrix, rank: Callable[..., Any]) -> None:
    blocks = list(Matrix(counts))
    assert len(blocks) > 20
    np.testing.assert_array_equal(rank(iter(blocks), 50), rank(counts, 50))


def test_the_state_of_a_matrix_is_that_of_all_its_cells(counts: sp.csr_matrix, place: Place) -> None:
    counts.data = np.minimum(counts.data, 5)
    counts.data[-1] = 0.5  # whole numbers before
    X = place(counts)
    matrix, told = Matrix(X), Matrix(X, "counts")
    assert matrix.state == "counts"
    list(matrix), list(told)
    assert matrix.state == pre.detect_state(counts) == "lognorm"
    assert told.state == "counts"


def test_logarithms_of_another_base_are_read_as_natural_ones_wherever_they_lie(
    counts: sp.csr_matrix, place: Place
) -> None:
    share = sp.diags(1 / pre.cell_totals(counts)) @ counts
    matrix = Matrix(place((1e6 * share).log1p().multiply(1 / np.log(2)).tocsr().astype(np.float32)))
    values, _ = matrix.take(np.arange(20))
    np.testing.assert_allclose(values.toarray(), (1e6 * share).log1p()[:, :20].toarray(), rtol=1e-5)
    assert matrix.unit == pre.Unit("lognorm", 2.0)


def test_values_are_those_of_the_unit_of_all_cells(
    counts: sp.csr_matrix, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_matrix, "BLOCK", 1000)  # enough cells to be mistaken about
    logs = (sp.diags(1e6 / pre.cell_totals(counts)) @ counts).log1p().tocsr()
    logs = (logs / np.log(2)).astype(np.float32)
    logs.data[-2000:] += 0.5  # a common sum before
    matrix = Matrix(place(logs))
    assert matrix.unit == pre.Unit("lognorm", 2.0)
    values, _ = matrix.take(np.arange(20))
    assert matrix.unit == pre.Unit("lognorm")
    np.testing.assert_array_equal(values.toarray(), logs[:, :20].toarray())


@pytest.mark.parametrize(("value", "message"), [(np.nan, "NaN or infinite"), (-1, "negative values, as after scaling")])
def test_a_bad_value_in_the_last_block_is_refused(
    counts: sp.csr_matrix, place: Place, value: float, message: str
) -> None:
    counts.data[-1] = value
    matrix = Matrix(place(counts))
    with pytest.raises(InputError, match=message):
        matrix.take(np.arange(5))


def test_a_matrix_of_zeros_is_refused(counts: sp.csr_matrix, place: Place) -> None:
    with pytest.raises(InputError, match="only zeros"):
        list(Matrix(place(sp.csr_matrix(counts.shape, dtype=np.float32))))


def test_a_file_stored_by_genes_is_refused_with_what_to_do(planted: AnnData, tmp_path: Path) -> None:
    planted.X = planted.X.tocsc()
    planted.write_h5ad(tmp_path / "cells.h5ad")
    backed = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    with pytest.raises(InputError, match=r"stored by genes \(CSC\).*adata\.to_memory\(\)"):
        Matrix(backed.X)
