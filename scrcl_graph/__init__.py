"""Cell types and tissue domains without labels, on a heterogeneous graph of cells and genes.

The rooms, from the bottom: ``nn`` and ``objectives`` (torch and PyG only), ``gr`` (graphs from arrays), ``train``,
``cluster``, ``model`` (joins them), ``stats``, ``tl``, ``get`` and ``pl`` (verbs, tables and plots on AnnData),
``report``, ``benchmark`` and ``cli``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from scrcl_graph._version import __version__

if TYPE_CHECKING:
    from scrcl_graph import (
        benchmark,
        cluster,
        datasets,
        estimate,
        get,
        gr,
        io,
        metrics,
        model,
        nn,
        objectives,
        pl,
        presets,
        report,
        stats,
        testing,
        tl,
        train,
    )
    from scrcl_graph._errors import InputError
    from scrcl_graph._settings import settings
    from scrcl_graph.model import ScRCL

_ROOMS = (
    "benchmark",
    "cluster",
    "datasets",
    "estimate",
    "get",
    "gr",
    "io",
    "metrics",
    "model",
    "nn",
    "objectives",
    "pl",
    "presets",
    "report",
    "stats",
    "testing",
    "tl",
    "train",
)
_NAMES = {"InputError": "_errors", "ScRCL": "model", "settings": "_settings"}

__all__ = [
    "InputError",
    "ScRCL",
    "__version__",
    "benchmark",
    "cluster",
    "datasets",
    "estimate",
    "get",
    "gr",
    "io",
    "metrics",
    "model",
    "nn",
    "objectives",
    "pl",
    "presets",
    "report",
    "settings",
    "stats",
    "testing",
    "tl",
    "train",
]


def __getattr__(name: str) -> Any:
    # Rooms are imported when first used: ``import scrcl_graph.nn`` must work without scanpy and squidpy.
    if name in _ROOMS:
        return importlib.import_module(f"scrcl_graph.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"scrcl_graph.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'scrcl_graph' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
