"""Data to try and to test with."""

from __future__ import annotations

from scrcl_graph.datasets.bundled import pbmc68k_reduced
from scrcl_graph.datasets.synthetic import Planted, plant, synthetic

__all__ = ["Planted", "pbmc68k_reduced", "plant", "synthetic"]
