"""Training: the plan, the loop, its checkpoints, several networks, and several processes."""

from __future__ import annotations

from scrcl_graph._errors import LostProcessError
from scrcl_graph.train.checkpoint import Checkpoint, History
from scrcl_graph.train.loop import has_settled, train
from scrcl_graph.train.plan import TrainingPlan
from scrcl_graph.train.processes import run, train_shared
from scrcl_graph.train.side_by_side import Run, train_runs
from scrcl_graph.train.team import Team
from scrcl_graph.train.tiles import InTiles, Tile, cut_in_tiles, in_tiles

__all__ = [
    "Checkpoint",
    "History",
    "InTiles",
    "LostProcessError",
    "Run",
    "Team",
    "Tile",
    "TrainingPlan",
    "cut_in_tiles",
    "has_settled",
    "in_tiles",
    "run",
    "train",
    "train_runs",
    "train_shared",
]
