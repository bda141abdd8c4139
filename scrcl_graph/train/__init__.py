"""Training: the plan, the loop and its checkpoints."""

from __future__ import annotations

from scrcl_graph.train.checkpoint import Checkpoint, History
from scrcl_graph.train.loop import has_settled, train
from scrcl_graph.train.plan import TrainingPlan

__all__ = ["Checkpoint", "History", "TrainingPlan", "has_settled", "train"]
