"""Data to try and to test with."""

from __future__ import annotations

from scrcl_graph.datasets.bundled import pbmc68k_reduced
from scrcl_graph.datasets.synthetic import Planted, plant, synthetic
from scrcl_graph.datasets.tissue import PlantedTissue, plant_tissue, synthetic_tissue

__all__ = [
    "Planted",
    "PlantedTissue",
    "pbmc68k_reduced",
    "plant",
    "plant_tissue",
    "synthetic",
    "synthetic_tissue",
]
