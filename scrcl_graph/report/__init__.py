"""One self-contained HTML file about a run."""

from __future__ import annotations

from scrcl_graph.report.html import write_report

__all__ = ["write_report"]
