"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scrcl_graph._errors import InputError


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
    target = Path(path).absolute()
    if not target.parent.is_dir():
        raise InputError(f"cannot write {path}: the folder {target.parent} does not exist")
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
