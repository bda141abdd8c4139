"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scrcl_graph._errors import InputError


def check_new_folder(path: Path) -> None:
    """Before hours of work: whether a new folder could be made there, or InputError."""
    if path.exists():
        raise InputError(f"{path} exists already: choose another path for the model")
    check_folder(path)


def check_folder(path: Path) -> None:
    """InputError unless the folder that ``path`` is to lie in is there and can be written to."""
    parent = path.resolve().parent
    if not parent.is_dir():
        raise InputError(f"cannot write {path}: the folder {parent} does not exist")
    if not os.access(parent, os.W_OK):
        raise InputError(f"cannot write {path}: the folder {parent} is not writable")


@contextmanager
def replacing(path: str | os.PathLike[str], *, folder: bool = False) -> Iterator[Path]:
    """A temporary path beside ``path``, renamed to it at the end; after an error nothing is left behind.

    Parameters
    ----------
    path
        Where the result goes. Its folder must exist.
    folder
        Make the temporary path a folder. A folder that is already at ``path`` is replaced.

    Raises
    ------
    InputError
        If the folder of ``path`` does not exist or cannot be written to.
    """
    target = Path(path).resolve()  # a link stays one: what it leads to is replaced
    check_folder(target)
    if target.exists() and not (target.is_dir() if folder else target.is_file()):
        raise InputError(f"cannot write {path}: it is {'no folder' if folder else 'no file'}")
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as err:
        raise InputError(f"cannot write {path}: {err.strerror or err}") from err
    temporary = work / target.name
    try:
        if folder:
            temporary.mkdir()
        yield temporary
        if folder and target.exists():
            target.rename(work / "replaced")
        os.replace(temporary, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
