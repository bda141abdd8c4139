"""Samples of a labelled set are real cells of it, with their own labels, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from anndata import AnnData, read_h5ad

from scrcl_graph import InputError
from scrcl_graph.benchmark.sample import write_samples


@pytest.fixture
def folder(planted: AnnData, tmp_path: Path) -> Path:
    planted.obs["cell_type"] = planted.obs["cell_type"].astype(str)
    types = planted.obs.columns.get_loc("cell_type")
    planted.obs.iloc[:10, types] = "unlabelled"
    planted.obs.iloc[10:12, types] = "a type of two cells"
    (tmp_path / "data").mkdir()
    planted.write_h5ad(tmp_path / "data" / "set.h5ad")
    return tmp_path / "data"


def test_samples_are_cells_of_the_set_with_their_labels(folder: Path, tmp_path: Path) -> None:
    whole = read_h5ad(folder / "set.h5ad")
    label_of = dict(zip(map(tuple, whole.X.toarray()), whole.obs["cell_type"].astype(str), strict=True))
    paths = write_samples(folder, tmp_path / "out", 60, 2, "cell_type")
    assert [path.name for path in paths] == ["set-60-0.h5ad", "set-60-1.h5ad"]
    first, second = (read_h5ad(path) for path in paths)
    for drawn in (first, second):
        assert 58 <= drawn.n_obs <= 60
        assert list(drawn.var_names) == list(whole.var_names)
        rows = list(map(tuple, drawn.X.toarray()))
        assert len(set(rows)) == drawn.n_obs
        assert [label_of[row] for row in rows] == list(drawn.obs["cell_type"])
        assert drawn.obs["cell_type"].value_counts().min() >= 3
        assert not set(drawn.obs["cell_type"]) & {"unlabelled", "a type of two cells"}
    assert not np.array_equal(first.X.toarray()[:58], second.X.toarray()[:58])
    again = read_h5ad(write_samples(folder, tmp_path / "again", 60, 1, "cell_type")[0])
    assert np.array_equal(again.X.toarray(), first.X.toarray())


def test_a_set_without_enough_labelled_cells_is_left_out(folder: Path, tmp_path: Path) -> None:
    assert len(write_samples(folder, tmp_path / "out", 229, 1, "cell_type")) == 1
    for n_cells, label in ((230, "cell_type"), (60, "cell_kind")):
        with pytest.raises(InputError, match=f"no set of .* has a column '{label}' and more than {n_cells} cells"):
            write_samples(folder, tmp_path / "out", n_cells, 1, label)
