"""One self-contained HTML file about a run, and its clusters in words."""

from __future__ import annotations

from scrcl_graph.report.html import write_report
from scrcl_graph.report.words import cluster_words

__all__ = ["cluster_words", "write_report"]
