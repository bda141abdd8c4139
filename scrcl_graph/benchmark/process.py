"""Running a measurement in a process of its own, so that peak memory is that of the measurement alone."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from scrcl_graph.benchmark.worker import peak_gigabytes


@dataclass(frozen=True)
class Measured:
    """What a call returned and what it took.

    Attributes
    ----------
    value
        The return value.
    seconds
        Wall time of the call, imports excluded where they were done before.
    gigabytes
        Peak resident memory of the process, everything included.
    """

    value: Any
    seconds: float
    gigabytes: float


def measured(function: Callable[..., Any], *args: Any) -> Measured:
    """Call a module-level function in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_call, function, args).result()


def _call(function: Callable[..., Any], args: tuple[Any, ...]) -> Measured:
    started = time.perf_counter()
    value = function(*args)
    return Measured(value, time.perf_counter() - started, peak_gigabytes())
