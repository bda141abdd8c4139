"""Reading and writing .h5ad files: one clear sentence for a bad file, never half of one."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from anndata import AnnData, read_h5ad as _read

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
    except Exception as err:  # noqa: BLE001  # h5py and anndata raise many kinds for a broken file
        raise InputError(f"{path} cannot be read as .h5ad: {str(err).splitlines()[0] if str(err) else type(err).__name__}") from err


def write_h5ad(adata: AnnData, path: Path) -> None:
    """Write to a temporary file beside ``path``, then rename it."""
    with replacing(path) as temporary:
        adata.write_h5ad(temporary)


def check_writable(*paths: Path | None) -> None:
    """Before hours of work: whether results could be written there, or InputError."""
    for path in paths:
        if path is None:
            continue
        parent = path.absolute().parent
        if not parent.is_dir():
            raise InputError(f"cannot write {path}: the folder {parent} does not exist")
        if not os.access(parent, os.W_OK):
            raise InputError(f"cannot write {path}: the folder {parent} is not writable")
