"""What training minimises. One objective a file; each is a function of sums over cells, so each can be sharded."""

from __future__ import annotations

from scrcl_graph.objectives._batch import Batch, Objective
from scrcl_graph.objectives.alignment import Alignment
from scrcl_graph.objectives.association import Association
from scrcl_graph.objectives.consistency import Consistency
from scrcl_graph.objectives.neighbourhood import NeighbourhoodContrast

__all__ = ["Alignment", "Association", "Batch", "Consistency", "NeighbourhoodContrast", "Objective"]
