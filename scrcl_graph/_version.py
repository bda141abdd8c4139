"""The version of this package, and of those that results depend on."""

from __future__ import annotations

from importlib import metadata

__version__ = "0.1.0"


def versions() -> dict[str, str]:
    """Versions of the packages a result depends on."""
    names = ("anndata", "numpy", "scanpy", "scikit-learn", "scipy", "torch", "torch-geometric")
    return {"scrcl-graph": __version__} | {name: metadata.version(name) for name in names}
