"""What training minimises. One objective a file; each is a function of sums over cells, so each can be sharded."""

from __future__ import annotations

from scrcl_graph.objectives._batch import Batch, Objective
from scrcl_graph.objectives.alignment import Alignment
from scrcl_graph.objectives.association import Association
from scrcl_graph.objectives.consistency import Consistency
from scrcl_graph.objectives.neighbourhood import NeighbourhoodContrast
from scrcl_graph.objectives.registry import OBJECTIVES, make_objectives, objective_name, register_objective

__all__ = [
    "OBJECTIVES",
    "Alignment",
    "Association",
    "Batch",
    "Consistency",
    "NeighbourhoodContrast",
    "Objective",
    "make_objectives",
    "objective_name",
    "register_objective",
]
