"""The model: the only room that joins graph, training and clusters."""

from __future__ import annotations

from scrcl_graph.model.association import AssociationFactors
from scrcl_graph.model.estimator import ScRCL

__all__ = ["AssociationFactors", "ScRCL"]
