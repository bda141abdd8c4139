from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from anndata import AnnData

from scrcl_graph import InputError
from scrcl_graph.benchmark.data import find_sets, load


@pytest.fixture
def path(planted: AnnData, tmp_path: Path) -> Path:
    planted.obs["cell_type"] = planted.obs["cell_type"].astype(str)
    planted.obs.iloc[:10, planted.obs.columns.get_loc("cell_type")] = "unlabelled"
    planted.uns["cell_type_of"] = planted.obs["cell_type"].to_numpy().astype(str)
    planted.obsm["onehot"] = np.eye(240)
    planted.layers["counts"] = planted.X.copy()
    planted.write_h5ad(tmp_path / "set.h5ad")
    return tmp_path / "set.h5ad"


def test_methods_get_the_matrix_the_genes_and_the_positions_and_nothing_else(path: Path) -> None:
    found = load(path, "cell_type")
    assert found is not None
    bare = found.bare
    assert list(bare.obs.columns) == list(bare.var.columns) == []
    assert [*bare.uns, *bare.layers, *bare.obsp, *bare.varm] == []
    assert list(bare.obsm) == ["spatial"]
    assert bare.raw is None
    assert all(name == f"cell_{i}" for i, name in enumerate(bare.obs_names))


def test_cells_are_shuffled_and_the_truth_with_them(path: Path, planted: AnnData) -> None:
    found = load(path, "cell_type")
    assert found is not None
    row_of = {tuple(row): i for i, row in enumerate(np.asarray(planted.X.todense()))}
    order = [row_of[tuple(row)] for row in np.asarray(found.bare.X.todense())]
    assert sorted(order) == list(range(240))
    assert order != list(range(240))
    truth = planted.obs["cell_type"].astype(str).to_numpy()
    truth[:10] = "unlabelled"
    assert np.array_equal(found.truth, truth[order])
    assert np.array_equal(found.bare.obsm["spatial"], planted.obsm["spatial"][order])
    assert found.scored.sum() == 230
    assert found.n_classes == 4


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
def test_genes_of_one_name_are_told_apart(path: Path, planted: AnnData) -> None:
    planted.var_names = ["twice", "twice", *planted.var_names[2:]]
    planted.write_h5ad(path)
    found = load(path, "cell_type")
    assert found is not None
    assert list(found.bare.var_names) == ["twice", "twice-1", *planted.var_names[2:]]


def test_a_file_without_the_column_or_with_one_class_is_no_labelled_set(path: Path, planted: AnnData) -> None:
    assert load(path, "no_such_column") is None
    planted.obs["cell_type"] = "one"
    planted.write_h5ad(path)
    assert load(path, "cell_type") is None


def test_what_is_not_there_is_said(path: Path, tmp_path: Path) -> None:
    assert find_sets(tmp_path) == [path]
    with pytest.raises(InputError, match=r"no file .*other"):
        find_sets(tmp_path, ["other"])
    with pytest.raises(InputError, match="no folder"):
        find_sets(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no \.h5ad file"):
        find_sets(tmp_path / "empty")


def test_a_matrix_that_was_left_in_its_file_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load(path, "cell_type")
    monkeypatch.setattr("scrcl_graph.io.IN_MEMORY", 10)
    left = load(path, "cell_type")
    assert whole is not None
    assert left is not None
    assert (whole.bare.X != left.bare.X).nnz == 0
