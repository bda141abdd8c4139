"""Process-wide settings: what is shown, and where things are computed."""

from __future__ import annotations

import importlib
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import torch

from scrcl_graph._errors import InputError

logger = logging.getLogger("scrcl_graph.stages")


@dataclass
class Settings:
    """Change the attributes of ``scrcl_graph.settings``.

    Attributes
    ----------
    progress
        Show progress bars.
    """

    progress: bool = False


settings = Settings()


def resolve_device(device: str | torch.device) -> torch.device:
    """``"auto"`` is the GPU where there is one, else the CPU.

    Raises
    ------
    InputError
        If the device is unknown or not available.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
        if chosen.type == "meta":
            raise RuntimeError("a device without values")
    except (RuntimeError, AssertionError) as err:
        raise InputError(f"the device '{device}' cannot be used here: choose 'auto' or 'cpu'") from err
    return chosen


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Log what a part of a run was, and its seconds, at its end."""
    started = time.perf_counter()
    yield
    logger.info("%s: %.1f s", name, time.perf_counter() - started)


@contextmanager
def threads_kept() -> Iterator[None]:
    """Numba's first parallel call sets the number of OpenMP threads of the whole process; torch keeps its own here."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def quiet_squidpy(module: str = "squidpy") -> ModuleType:
    """A module of squidpy, imported without the warnings that docrep prints about squidpy's docstrings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        return importlib.import_module(module)
