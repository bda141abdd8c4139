"""Reading and writing .h5ad files: one clear sentence for a bad file, never half of one."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from anndata import AnnData
from anndata import read_h5ad as _read

from scrcl_graph._errors import InputError
from scrcl_graph._files import replacing


def read_h5ad(path: Path) -> AnnData:
    """An AnnData in memory, or InputError."""
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # notes on files of old AnnData versions
            return _read(path)
    except Exception as err:  # h5py and anndata raise many kinds for a broken file
        raise InputError(
            f"{path} cannot be read as .h5ad: {str(err).splitlines()[0] if str(err) else type(err).__name__}"
        ) from err


def write_h5ad(adata: AnnData, path: Path) -> None:
    """Write to a temporary file beside ``path``, then rename it."""
    with replacing(path) as temporary:
        adata.write_h5ad(temporary)


def check_writable(source: Path, *outputs: Path | None) -> None:
    """Before hours of work: whether results could be written there, or InputError. The input is never an output."""
    for path in outputs:
        if path is None:
            continue
        if path.exists() and source.exists() and path.samefile(source):
            raise InputError(f"{path} is the input file: choose another name for the output")
        if path.is_dir():
            raise InputError(f"cannot write {path}: it is a folder")
        parent = path.absolute().parent
        if not parent.is_dir():
            raise InputError(f"cannot write {path}: the folder {parent} does not exist")
        if not os.access(parent, os.W_OK):
            raise InputError(f"cannot write {path}: the folder {parent} is not writable")
