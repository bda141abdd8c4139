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

_GROUPS = 10


def scale_table(sizes: list[int], n_genes: int, density: float, preset: str) -> str:
    """A Markdown table, one row per number of cells."""
    lines = [
        "| cells | entries | seconds | peak GB | ARI | estimated seconds | estimated GB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for size in sizes:
        run = measured(run_one, size, n_genes, density, preset)
        seconds, ari, entries = run.value
        expected = estimate(size, n_genes, entries, preset)
        lines.append(
            f"| {size:,} | {entries:,} | {seconds:.0f} | {run.gigabytes:.1f} | {ari:.3f} "
            f"| {expected.seconds:.0f} | {expected.gigabytes:.1f} |"
        )
        typer.echo(lines[-1], err=True)
    return "\n".join(lines)


def run_one(n_cells: int, n_genes: int, density: float, preset: str) -> tuple[float, float, int]:
    """Seconds of a run with k given, its ARI with the planted types or domains, and the number of non-zero entries."""
    warnings.simplefilter("ignore")
    if preset == "spatial":
        tissue = datasets.plant_tissue(n_cells, n_genes, _GROUPS, module_size=40, density=density)
        counts, truth, positions = tissue.counts, tissue.domains, tissue.positions
    else:
        cells = datasets.plant(n_cells, n_genes, _GROUPS, module_size=40, density=density)
        counts, truth, positions = cells.counts, cells.types, None
    started = time.perf_counter()
    labels = ScRCL(_GROUPS, preset=preset, random_state=0).fit(counts, spatial=positions).labels_
    return time.perf_counter() - started, adjusted_rand_score(truth, labels), counts.nnz
