from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path
from typing import Any

import h5py
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData
from scipy.io import mmwrite

from scrcl_graph import InputError, datasets, pl, tl
from scrcl_graph.io import from_spatialdata, read, sample_name


def write_counts(path: Path, adata: AnnData) -> None:
    """As Cell Ranger 3 and later write it, with the first two genes of one name."""
    counts = adata.X.astype(np.int32)  # 10x stores genes x spots by column
    with h5py.File(path, "w") as file:
        matrix = file.create_group("matrix")
        for name in ("data", "indices", "indptr"):
            matrix[name] = getattr(counts, name)
        matrix["shape"] = counts.shape[::-1]
        matrix["barcodes"] = np.array(adata.obs_names, dtype="S")
        features = matrix.create_group("features")
        features["id"] = features["name"] = np.array(["twice", "twice", *adata.var_names[2:]], dtype="S")
        features["feature_type"] = np.array(["Gene Expression"] * adata.n_vars, dtype="S")
        features["genome"] = np.array(["none"] * adata.n_vars, dtype="S")


def write_visium(folder: Path, adata: AnnData) -> None:
    """As Space Ranger 2 writes it, with the spots in another order in the table of positions."""
    (folder / "spatial").mkdir(parents=True)
    write_counts(folder / "filtered_feature_bc_matrix.h5", adata)
    x, y = (adata.obsm["spatial"] * 1000).astype(int).T
    table = pd.DataFrame({"barcode": adata.obs_names, "in_tissue": 1, "array_row": 0, "array_col": 0})
    table["pxl_row_in_fullres"], table["pxl_col_in_fullres"] = y, x
    table.iloc[::-1].to_csv(folder / "spatial" / "tissue_positions.csv", index=False)
    for name, side in (("hires", 100), ("lowres", 30)):
        plt.imsave(folder / "spatial" / f"tissue_{name}_image.png", np.full((side, side, 3), 0.9))
    scales = {"tissue_hires_scalef": 0.1, "tissue_lowres_scalef": 0.03, "spot_diameter_fullres": 20.0}
    (folder / "spatial" / "scalefactors_json.json").write_text(json.dumps(scales))


def spatial_data(adata: AnnData, *, tables: int = 1, missing: bool = False) -> Any:
    """Two regions of circles with the cells of ``adata``, which lie in the table in another order."""
    from spatialdata import SpatialData
    from spatialdata.models import ShapesModel, TableModel

    half = adata.n_obs // 2
    shapes = {}
    for name, rows in (("left", slice(0, half)), ("right", slice(half, None))):
        names = adata.obs_names[rows]
        shapes[name] = ShapesModel.parse(
            adata.obsm["spatial"][rows].astype(float), geometry=0, radius=0.01, index=names
        )
    shuffled = adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()
    del shuffled.obsm["spatial"]
    regions = pd.Series(["left"] * half + ["right"] * (adata.n_obs - half), index=adata.obs_names)
    shuffled.obs["region"] = pd.Categorical(regions[shuffled.obs_names])
    shuffled.obs["instance"] = shuffled.obs_names.to_numpy()
    table = TableModel.parse(shuffled, region=["left", "right"], region_key="region", instance_key="instance")
    if missing:
        table.obs.iloc[0, table.obs.columns.get_loc("instance")] = "nobody"
    return SpatialData(shapes=shapes, tables={f"table_{i}": table.copy() for i in range(tables)})


@pytest.fixture
def tissue() -> AnnData:
    adata = datasets.synthetic_tissue(60, 100, seed=0)
    adata.obs_names = [f"spot{i}-1" for i in range(60)]
    return adata


def write_matrix(folder: Path, adata: AnnData) -> None:
    """As Cell Ranger 3 and later write the folder, with a protein that is no gene."""
    folder.mkdir(parents=True)
    with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
        mmwrite(file, sp.vstack([adata.X.T, sp.csr_matrix(np.ones((1, adata.n_obs)))]).astype(int))
    names = ["twice", "twice", *adata.var_names[2:], "CD3"]
    kinds = ["Gene Expression"] * adata.n_vars + ["Antibody Capture"]
    features = pd.DataFrame({"id": [*adata.var_names, "CD3"], "name": names, "type": kinds})
    features.to_csv(folder / "features.tsv.gz", sep="\t", header=False, index=False)
    pd.Series(adata.obs_names).to_csv(folder / "barcodes.tsv.gz", header=False, index=False)


@pytest.mark.parametrize("where", ["file", "outs", "matrix", "outs with the matrix only"])
def test_counts_of_cell_ranger_are_read(where: str, tissue: AnnData, tmp_path: Path) -> None:
    file, folder = tmp_path / "filtered_feature_bc_matrix.h5", tmp_path / "filtered_feature_bc_matrix"
    if "matrix" in where:
        write_matrix(folder, tissue)
    else:
        write_counts(file, tissue)
    adata = read(file if where == "file" else folder if where == "matrix" else tmp_path)
    assert (adata.X != tissue.X).nnz == 0
    assert list(adata.obs_names) == list(tissue.obs_names)
    assert list(adata.var_names[:3]) == ["twice", "twice-1", "gene_2"]


def test_counts_that_are_not_compressed_are_refused_with_what_to_do(tissue: AnnData, tmp_path: Path) -> None:
    for name in ("matrix.mtx", "features.tsv", "barcodes.tsv"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"10x counts that are not compressed: run gzip on matrix\.mtx"):
        read(tmp_path)


def test_an_anndata_is_read_under_any_suffix(tissue: AnnData, tmp_path: Path) -> None:
    tissue.write_h5ad(tmp_path / "tissue.h5")
    assert list(read(tmp_path / "tissue.h5").obs_names) == list(tissue.obs_names)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/sample1/outs", "sample1"),
        ("a/sample1/outs/filtered_feature_bc_matrix.h5", "sample1"),
        ("a/sample1/outs/filtered_feature_bc_matrix", "sample1"),
        ("a/cells.h5ad", "cells.h5ad"),
        ("a/sample1/outs/../../slide", "slide"),
    ],
)
def test_the_sample_has_the_name_of_the_folder_above_outs(path: str, name: str) -> None:
    assert sample_name(path) == name


def test_a_link_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "store_0a1b.h5ad").touch()
    (tmp_path / "cells.h5ad").symlink_to(tmp_path / "store_0a1b.h5ad")
    assert sample_name(tmp_path / "cells.h5ad") == "cells.h5ad"


def test_an_h5_file_of_something_else_is_one_sentence(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["a"] = np.zeros(3)
    with pytest.raises(InputError, match=r"other\.h5 cannot be read as 10x counts"):
        read(tmp_path / "other.h5")
    with pytest.raises(InputError, match=r"there is no file .*nowhere\.h5"):
        read(tmp_path / "nowhere.h5")


def test_a_visium_folder_is_read_with_positions_and_its_image_can_be_drawn(tissue: AnnData, tmp_path: Path) -> None:
    write_visium(tmp_path / "slide_1", tissue)
    adata = read(tmp_path / "slide_1")
    assert (adata.X != tissue.X).nnz == 0
    np.testing.assert_array_equal(adata.obsm["spatial"], (tissue.obsm["spatial"] * 1000).astype(int))
    assert list(adata.var_names[:3]) == ["twice", "twice-1", "gene_2"]
    tl.refine(adata, n_clusters=2, preset="spatial")
    ax = pl.spatial(adata)
    assert ax.images[0].get_extent() == [0, 1000, 1000, 0]
    adata.write_h5ad(tmp_path / "result.h5ad")
    assert "slide_1" in read(tmp_path / "result.h5ad").uns["spatial"]


def test_a_broken_visium_folder_is_one_sentence(tissue: AnnData, tmp_path: Path) -> None:
    write_visium(tmp_path / "slide_1", tissue)
    (tmp_path / "slide_1" / "spatial" / "scalefactors_json.json").unlink()
    with pytest.raises(InputError, match=r"slide_1 cannot be read as a Visium folder: .*scalefactors_json\.json"):
        read(tmp_path / "slide_1")
    with pytest.raises(InputError, match=r"is a folder, but neither of 10x counts .* nor a .zarr store"):
        read(tmp_path)


def test_spatialdata_positions_are_the_centroids_of_what_the_table_annotates(tissue: AnnData, tmp_path: Path) -> None:
    sdata = spatial_data(tissue)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # spatialdata on versions of zarr
        sdata.write(tmp_path / "store.zarr")
    for adata in (from_spatialdata(sdata), read(tmp_path / "store.zarr")):
        order = tissue.obs_names.get_indexer(adata.obs_names)
        assert not np.array_equal(order, np.arange(60))
        np.testing.assert_allclose(adata.obsm["spatial"], tissue.obsm["spatial"][order], atol=1e-6)
    assert "spatial" in sdata.tables["table_0"].obsm  # results go where the table is


def test_positions_that_a_table_has_are_kept(tissue: AnnData) -> None:
    sdata = spatial_data(tissue)
    sdata.tables["table_0"].obsm["spatial"] = np.ones((60, 2))
    assert (from_spatialdata(sdata).obsm["spatial"] == 1).all()


def test_tables_that_cannot_be_used_are_named(tissue: AnnData) -> None:
    sdata = spatial_data(tissue, tables=2)
    with pytest.raises(InputError, match=r"2 tables \(table_0, table_1\): name one"):
        from_spatialdata(sdata)
    assert from_spatialdata(sdata, "table_1").n_obs == 60
    with pytest.raises(InputError, match=r"no table 'cells' \(tables: table_0, table_1\)"):
        from_spatialdata(sdata, "cells")
    with pytest.raises(InputError, match="1 rows of the table 'table_0' are not in the element"):
        from_spatialdata(spatial_data(tissue, missing=True))
    del sdata.tables["table_0"].uns["spatialdata_attrs"]
    with pytest.raises(InputError, match=r"no obsm\['spatial'\] and annotates no element"):
        from_spatialdata(sdata, "table_0")
