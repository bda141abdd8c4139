"""Time and memory of whole runs on synthetic cells: from a file to the annotated file."""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from pathlib import Path

import typer
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import datasets, tl
from scrcl_graph._settings import logger as stages
from scrcl_graph.benchmark.process import measured
from scrcl_graph.estimate import estimate_file
from scrcl_graph.io import read, write_h5ad
from scrcl_graph.presets import Preset

_GROUPS = 10


def scale_tables(sizes: list[int], n_genes: int, density: float, preset: str) -> str:
    """Two Markdown tables: one row per number of cells, and where the seconds go."""
    rows = [
        "| cells | entries | seconds | peak GB | ARI | estimated seconds | estimated GB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    parts: dict[int, dict[str, float]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "cells.h5ad"
            measured(write_cells, source, size, n_genes, density, preset)  # in its own process
            expected = estimate_file(source, preset=preset, n_clusters=_GROUPS)
            run = measured(run_file, source, preset)
        ari, parts[size] = run.value
        rows.append(
            f"| {size:,} | {expected.n_entries:,} | {run.seconds:.0f} | {run.gigabytes:.1f} | {ari:.3f} "
            f"| {expected.seconds:.0f} | {expected.gigabytes:.1f} |"
        )
        typer.echo(rows[-1], err=True)
    return "\n".join(rows) + "\n\n" + _where_the_seconds_go(parts)


def write_cells(path: Path, n_cells: int, n_genes: int, density: float, preset: str) -> None:
    """A file of synthetic cells, or of a synthetic tissue."""
    make = datasets.synthetic_tissue if preset == "spatial" else datasets.synthetic
    make(n_cells, n_genes, _GROUPS, module_size=40, density=density).write_h5ad(path)


def run_file(path: Path, preset: str | Preset) -> tuple[float, dict[str, float]]:
    """The ARI of a run with k given with the planted types or domains, and the seconds of its parts by name."""
    warnings.simplefilter("ignore")
    seconds: dict[str, float] = {}

    class Stages(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            name, value = record.args  # type: ignore[misc]
            seconds[str(name).split(" on ")[0]] = float(value)  # type: ignore[arg-type]

    stages.addHandler(Stages())
    stages.setLevel(logging.INFO)
    started = time.perf_counter()
    adata = read(path)
    seconds["reading"] = time.perf_counter() - started
    truth = adata.obs["domain" if preset == "spatial" else "cell_type"].copy()
    tl.refine(adata, n_clusters=_GROUPS, preset=preset)
    started = time.perf_counter()
    write_h5ad(adata, path.with_name("out.h5ad"))
    seconds["writing"] = time.perf_counter() - started
    return adjusted_rand_score(truth, adata.obs["scrcl"]), seconds


def _where_the_seconds_go(parts: dict[int, dict[str, float]]) -> str:
    names = list(dict.fromkeys(name for seconds in parts.values() for name in seconds))
    lines = [
        "| seconds | " + " | ".join(f"{size:,}" for size in parts) + " |",
        "| --- |" + " --- |" * len(parts),
    ]
    for name in names:
        cells = (f"{seconds[name]:.1f}" if name in seconds else "" for seconds in parts.values())
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
