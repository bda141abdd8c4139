"""Training: the plan and the loop."""

from __future__ import annotations

from scrcl_graph.train.loop import History, has_settled, train
from scrcl_graph.train.plan import TrainingPlan

__all__ = ["History", "TrainingPlan", "has_settled", "train"]
