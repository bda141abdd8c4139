"""The benchmark: methods on labelled data of which they see no label. See :func:`run_benchmark`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scrcl_graph import metrics
from scrcl_graph._files import replacing
from scrcl_graph.benchmark.data import find_sets
from scrcl_graph.benchmark.methods import METHODS, Method, get_method, layer_methods
from scrcl_graph.benchmark.protocol import KMode, Protocol, run, same_without_labels

__all__ = [
    "METHODS",
    "KMode",
    "Method",
    "Protocol",
    "get_method",
    "layer_methods",
    "run_benchmark",
    "same_without_labels",
]


def run_benchmark(
    folder: Path,
    methods: Sequence[str],
    out: Path,
    protocol: Protocol | None = None,
    *,
    layers: str | None = None,
    sets: Sequence[str] | None = None,
    groups: dict[str, list[str]] | None = None,
    say: Any = print,
) -> pd.DataFrame:
    """Run the protocol and render it.

    Parameters
    ----------
    folder
        Of labelled ``.h5ad`` files.
    methods
        Names (:data:`METHODS`) or paths of ``.py`` files.
    out
        Folder of the results. What is there already is not run again, so a stopped benchmark resumes.
    protocol
        Label column, number of clusters given or not, seeds, timeout.
    layers
        The preset ``default`` is run with each of these as well (:func:`layer_methods`).
    sets
        Names of files without their ending; all by default.
    groups
        Named lists of sets that get a mean of their own.
    say
        Called with a line per run.

    Returns
    -------
    One row per run. Also written: ``runs.csv``, ``benchmark.json``, ``tables.md``, ``per_set.png``, ``ranks.png``,
    ``cost.png``, and the labels of every run under ``runs``.

    Raises
    ------
    InputError
        If a folder, file or method is not there, or ``out`` holds results of something else.
    """
    chosen = [get_method(name) for name in methods] + layer_methods(layers or "")
    runs = run(protocol or Protocol(), find_sets(folder, sets), chosen, out, say=say)
    _render(runs, out, groups or {})
    return runs


def _render(runs: pd.DataFrame, out: Path, groups: dict[str, list[str]]) -> None:
    from scrcl_graph.benchmark import plots
    from scrcl_graph.benchmark.table import markdown

    with replacing(out / "tables.md") as temporary:
        temporary.write_text(markdown(runs, _stability(runs, out), groups))
    if (runs["status"] != "ok").all():
        return
    drawn = {"per_set": plots.per_set_plot, "ranks": plots.rank_plot, "cost": plots.cost_plot}
    for name, plot in drawn.items():
        with replacing(out / f"{name}.png") as temporary:
            plot(runs).savefig(temporary, dpi=150)


def _stability(runs: pd.DataFrame, out: Path) -> pd.DataFrame:
    """Agreement between the seeds of each set and method."""
    found: dict[str, dict[str, float]] = {}
    for (name, method), some in runs[runs["status"] == "ok"].groupby(["set", "method"], sort=False):
        where = [out / "runs" / name / method / f"k-{row.k_mode}_seed-{row.seed}" for row in some.itertuples()]
        found.setdefault(method, {})[name] = metrics.stability([np.load(path / "labels.npy") for path in where])
    return pd.DataFrame(found)
