"""Training on all cells at once beside training in tiles: time, memory, and what is found."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import anndata
import typer
from sklearn.metrics import adjusted_rand_score

from scrcl_graph.benchmark.process import measured
from scrcl_graph.benchmark.scale import run_file, write_cells
from scrcl_graph.presets import get_preset


def tiles_table(n_cells: int, tile_cells: list[int], layer: str) -> str:
    """A Markdown table: a layer between cells, all cells at once and in tiles of these sizes.

    The preset ``default`` learns from all cells; agreement is the ARI of the labels with those of the first row.
    """
    default = replace(get_preset("default"), n_training_cells=None, layers={"cell-cell": layer})
    lines = [
        f"| {n_cells:,} cells, {layer}: at a time | seconds | of training | peak GB | ARI | agreement |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    whole = None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "cells.h5ad"
        measured(write_cells, source, n_cells, 2000, 0.05, "default")  # in its own process
        for size in (n_cells, *tile_cells):
            plan = replace(default.plan, tile_cells=size)
            run = measured(run_file, source, replace(default, plan=plan))
            labels = anndata.read_h5ad(source.with_name("out.h5ad")).obs["scrcl"].to_numpy()
            whole = labels if whole is None else whole
            ari, seconds = run.value
            lines.append(
                f"| {size:,} | {run.seconds:.0f} | {seconds['training']:.0f} | {run.gigabytes:.1f} | {ari:.3f} "
                f"| {adjusted_rand_score(whole, labels):.3f} |"
            )
            typer.echo(lines[-1], err=True)
    return "\n".join(lines)
