"""Verbs on AnnData: they read keys, call the model, and write keys."""

from __future__ import annotations

from scrcl_graph.tl.associations import associations
from scrcl_graph.tl.refine import apply, refine

__all__ = ["apply", "associations", "refine"]
