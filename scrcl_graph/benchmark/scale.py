"""Time and memory of whole runs on synthetic cells."""

from __future__ import annotations

import time
import warnings

import typer
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import datasets
from scrcl_graph.benchmark.process import measured
from scrcl_graph.estimate import estimate
from scrcl_graph.model import ScRCL

_TYPES = 10


def scale_table(sizes: list[int], n_genes: int, density: float) -> str:
    """A Markdown table, one row per number of cells."""
    lines = [
        "| cells | entries | seconds | peak GB | ARI | estimated seconds | estimated GB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for size in sizes:
        run = measured(run_one, size, n_genes, density)
        seconds, ari, entries = run.value
        expected = estimate(size, n_genes, entries)
        lines.append(
            f"| {size:,} | {entries:,} | {seconds:.0f} | {run.gigabytes:.1f} | {ari:.3f} "
            f"| {expected.seconds:.0f} | {expected.gigabytes:.1f} |"
        )
        typer.echo(lines[-1], err=True)
    return "\n".join(lines)


def run_one(n_cells: int, n_genes: int, density: float) -> tuple[float, float, int]:
    """Seconds of a run with k given, its ARI with the planted types, and the number of non-zero entries."""
    warnings.simplefilter("ignore")
    planted = datasets.plant(n_cells, n_genes, _TYPES, module_size=40, density=density)
    started = time.perf_counter()
    labels = ScRCL(_TYPES, random_state=0).fit(planted.counts).labels_
    return time.perf_counter() - started, adjusted_rand_score(planted.types, labels), planted.counts.nnz
