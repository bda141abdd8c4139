"""Reading what users have and writing .h5ad files: one clear sentence for a bad file, never half of one.

Large matrices stay in their file: they are read a block of cells at a time, and copied from file to file.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import h5py
import numpy as np
from anndata import AnnData
from anndata import read_h5ad as _read
from anndata.io import read_elem, sparse_dataset
from numpy.typing import NDArray

from scrcl_graph._errors import InputError
from scrcl_graph._files import check_folder, replacing
from scrcl_graph._settings import quiet_squidpy, threads_kept

if TYPE_CHECKING:
    from spatialdata import SpatialData

logger = logging.getLogger(__name__)

T = TypeVar("T")
IN_MEMORY = 2e9  # bytes of the matrices of a file, uncompressed, up to which it is loaded
_SLOTS = ("obs", "var", "uns", "obsm", "varm", "obsp", "varp")
_COUNTS = "filtered_feature_bc_matrix"


def read(path: str | PathLike[str]) -> AnnData:
    """An .h5ad file, a .zarr store of AnnData or SpatialData, or what Cell Ranger and Space Ranger write.

    That is ``filtered_feature_bc_matrix`` as an .h5 file or a folder, or the folder ``outs`` with one of them. With the
    file and a folder ``spatial`` in it, ``outs`` is read as a Visium slide, which has the name of the sample
    (:func:`sample_name`) in ``uns["spatial"]``. Genes of one name are told apart by a number, and of cells antibodies
    are left out.

    Large matrices of a file (:func:`read_h5ad`) and those of an AnnData store are not loaded: they stay where they are.
    Of a SpatialData store the only table is read: see :func:`from_spatialdata`.
    """
    path = Path(path)
    if path.suffix == ".h5" and path.is_file() and not _is_anndata(path):
        return _cell_ranger(path)
    if not path.is_dir():
        return read_h5ad(path)
    file, folder = path / f"{_COUNTS}.h5", path / _COUNTS
    if (path / "spatial").is_dir() and file.is_file():
        return _attempt(path, "a Visium folder", lambda: _visium(path))
    if file.is_file() or folder.is_dir():
        return _cell_ranger(file if file.is_file() else folder)
    if (path / "matrix.mtx").is_file() and (path / "features.tsv").is_file():
        raise InputError(f"{path} has 10x counts that are not compressed: run gzip on matrix.mtx and both .tsv files")
    if (path / "matrix.mtx").is_file() or (path / "matrix.mtx.gz").is_file():
        return _cell_ranger(path)
    if (path / "zarr.json").is_file() or (path / ".zgroup").is_file():
        store = _attempt(path, "a .zarr store", lambda: _zarr(path))
        if store.attrs.get("encoding-type") == "anndata":
            return _attempt(path, "an AnnData store", lambda: _open(store))
        return from_spatialdata(_attempt(path, "a SpatialData store", lambda: _store(path)))
    raise InputError(f"{path} is a folder, but neither of 10x counts ({_COUNTS}.h5, matrix.mtx.gz) nor a .zarr store")


def sample_name(path: str | PathLike[str]) -> str:
    """Name of a file or folder; of what Cell Ranger and Space Ranger write that of the folder above ``outs``."""
    parts = Path(os.path.abspath(path)).parts  # links keep their names
    return next((name for name in reversed(parts) if name not in (_COUNTS, f"{_COUNTS}.h5", "outs")), parts[-1])


def read_h5ad(path: str | PathLike[str]) -> AnnData:
    """An AnnData, or InputError. Matrices (X, layers, raw.X) that take more than 2 GB together stay in the file."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    return _attempt(path, ".h5ad", lambda: _large(path) or _read(path))


def from_spatialdata(sdata: SpatialData, table: str | None = None) -> AnnData:
    """A table of a SpatialData object, with positions: results written to it are in the object too.

    Where it has no ``obsm["spatial"]``, the positions become the centroids, in the coordinate system "global", of the
    shapes, points or labels that the table annotates.

    Parameters
    ----------
    sdata
        With at least one table.
    table
        Its name; not needed where there is one.

    Raises
    ------
    InputError
        If there is no such table, or several to choose from, or a row has no element.
    """
    names = list(sdata.tables)
    if table is None and len(names) != 1:
        raise InputError(f"the SpatialData object has {len(names)} tables ({', '.join(names)}): name one with table=")
    chosen = names[0] if table is None else table
    if chosen not in names:
        raise InputError(f"the SpatialData object has no table '{chosen}' (tables: {', '.join(names) or 'none'})")
    adata: AnnData = sdata.tables[chosen]
    if "spatial" not in adata.obsm:
        adata.obsm["spatial"] = _centroids(sdata, adata, chosen)
    return adata


def write_h5ad(adata: AnnData, path: str | PathLike[str]) -> None:
    """Write to a temporary file beside ``path``, then rename it. Matrices that stayed in an .h5ad file are copied."""
    left = {"X": _node(adata.X)} | {f"layers/{name}": _node(values) for name, values in adata.layers.items()}
    if adata.raw is not None and (matrix := _node(adata.raw.X)) is not None:
        left["raw"] = matrix.parent
    left = {name: node for name, node in left.items() if node is not None}
    with replacing(Path(path)) as temporary:
        _without(adata, left).write_h5ad(temporary)
        if left:
            with h5py.File(temporary, "a") as file:
                for name, node in left.items():
                    file.pop(name, None)
                    file.copy(node, file, name)


def check_writable(inputs: Sequence[Path | None], *outputs: Path | None) -> None:
    """Before hours of work: whether results could be written there, or InputError.

    No input is an output, nothing in an input folder is replaced, and no two outputs are one.
    """
    taken = {path.resolve(): "an input" for path in inputs if path is not None}
    for path in outputs:
        if path is None:
            continue
        if path.resolve() in taken or any(_is_same(path, one) for one in taken):
            what = taken.get(path.resolve(), "an input")
            raise InputError(f"{path} is {what} of the same command: choose another name for the output")
        taken[path.resolve()] = "an output"
        if path.is_dir():
            raise InputError(f"cannot write {path}: it is a folder")
        if path.exists() and any(folder in taken for folder in path.resolve().parents):
            raise InputError(f"{path} exists in the input folder: choose another name for the output, or delete it")
        if path.exists() and not path.is_file():
            raise InputError(f"cannot write {path}: it is no regular file")
        check_folder(path)


def _is_same(one: Path, other: Path) -> bool:
    """Also where one is a hard link to the other."""
    return one.exists() and other.exists() and one.samefile(other)


def _attempt(path: Path, kind: str, reader: Callable[[], T]) -> T:
    """What ``reader`` reads; anything it raises becomes one sentence. Many kinds are raised for broken files."""
    try:
        with warnings.catch_warnings(), threads_kept():
            warnings.simplefilter("ignore")  # notes on old versions of formats
            return reader()
    except Exception as err:
        reason = str(err).splitlines()[0] if str(err) else type(err).__name__
        raise InputError(f"{path} cannot be read as {kind}: {reason}") from err


def _large(path: Path) -> AnnData | None:
    """The AnnData with its matrices left in the file, or None where they are small or the file is of the old format."""
    file = h5py.File(path)
    if file.attrs.get("encoding-type") == "anndata":
        matrices = [file.get("X"), file.get("raw/X"), *file.get("layers", {}).values()]
        size = sum(_bytes(matrix) for matrix in matrices if matrix is not None)
        if size > IN_MEMORY:
            logger.info("the matrices of %s take %.1f GB: they are read a block of cells at a time", path, size / 1e9)
            return _open(file)
    file.close()
    return None


def _bytes(node: Any) -> int:
    return int(node.nbytes if hasattr(node, "nbytes") else sum(part.nbytes for part in node.values()))


def _open(store: Any) -> AnnData:
    """An AnnData of an open .h5ad or .zarr, its matrices left there."""
    slots = {name: read_elem(store[name]) for name in _SLOTS if name in store}
    raw = None
    if "raw" in store:
        raw = {name: read_elem(store[f"raw/{name}"]) for name in ("var", "varm") if name in store["raw"]}
        raw["X"] = _matrix(store["raw/X"])
    layers = {name: _matrix(store[f"layers/{name}"]) for name in store["layers"]} if "layers" in store else {}
    return AnnData(_matrix(store["X"]) if "X" in store else None, layers=layers, raw=raw, **slots)


def _matrix(node: Any) -> Any:
    """The matrix where it lies; one stored by genes is read, since cells cannot be read from it one after the other."""
    if hasattr(node, "shape"):
        return node
    if node.attrs["encoding-type"] == "csr_matrix":
        return sparse_dataset(node)
    logger.info("%s is stored by genes (CSC) and is loaded whole: store it as CSR to avoid that", node.name)
    return read_elem(node)


def _node(matrix: Any) -> h5py.Group | h5py.Dataset | None:
    """Where in an .h5ad file the matrix lies, or None."""
    node = getattr(matrix, "group", matrix)
    return node if isinstance(node, h5py.Group | h5py.Dataset) else None


def _without(adata: AnnData, left: dict[str, Any]) -> AnnData:
    """``adata`` itself, or one of the same values without some of the matrices."""
    if not left:
        return adata
    slots = {name: getattr(adata, name) for name in _SLOTS}
    layers = {name: values for name, values in adata.layers.items() if f"layers/{name}" not in left}
    raw = None
    if adata.raw is not None and "raw" not in left:
        raw = {"X": adata.raw.X, "var": adata.raw.var, "varm": adata.raw.varm}
    return AnnData(None if "X" in left else adata.X, layers=layers, raw=raw, **slots)


def _zarr(path: Path) -> Any:
    import zarr

    return zarr.open_group(path, mode="r")


def _is_anndata(path: Path) -> bool:
    """Whether it is an .h5ad file under another suffix."""
    if not h5py.is_hdf5(path):
        return False
    with h5py.File(path) as file:
        return bool(file.attrs.get("encoding-type") == "anndata")


def _cell_ranger(path: Path) -> AnnData:
    import scanpy as sc

    adata: AnnData = _attempt(path, "10x counts", lambda: (sc.read_10x_mtx if path.is_dir() else sc.read_10x_h5)(path))
    adata.var_names_make_unique()
    return adata


def _visium(path: Path) -> AnnData:
    adata: AnnData = quiet_squidpy().read.visium(path, library_id=sample_name(path))
    adata.var_names_make_unique()
    return adata


def _store(path: Path) -> SpatialData:
    from spatialdata import read_zarr

    return read_zarr(path)


def _centroids(sdata: SpatialData, adata: AnnData, table: str) -> NDArray[np.float64]:
    from spatialdata import get_centroids

    about = adata.uns.get("spatialdata_attrs")
    if about is None:
        raise InputError(f"the table '{table}' has no obsm['spatial'] and annotates no element to take positions from")
    regions, of_row = np.unique(adata.obs[about["region_key"]].astype(str), return_inverse=True)
    instances = adata.obs[about["instance_key"]].to_numpy()
    positions: NDArray[np.float64] | None = None
    for i, region in enumerate(regions):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that names of elements are not sorted
            points = get_centroids(sdata[region]).compute()
        rows = points.index.get_indexer(instances[of_row == i])
        if (rows < 0).any():
            raise InputError(f"{(rows < 0).sum()} rows of the table '{table}' are not in the element '{region}'")
        found = points[[axis for axis in "xyz" if axis in points]].to_numpy(np.float64)
        if positions is None:
            positions = np.empty((adata.n_obs, found.shape[1]))
        positions[of_row == i] = found[rows]
    assert positions is not None
    return positions
