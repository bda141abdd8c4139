"""Agreement with annotations on labelled data sets, over seeds."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import typer
from anndata import AnnData

from scrcl_graph import metrics
from scrcl_graph.benchmark.methods import METHODS
from scrcl_graph.benchmark.process import Measured, measured
from scrcl_graph.io import read_h5ad

NOT_LABELS = ("unlabelled", "undetermined")  # left out of the score, not of the data


def accuracy_table(folder: Path, sets: list[str], methods: list[str], label: str, n_seeds: int) -> str:
    """A Markdown table: mean and standard deviation of the ARI over seeds, seconds and memory of the slowest run."""
    lines = [f"| set | {' | '.join(methods)} |", "| --- |" + " --- |" * len(methods)]
    means = []
    for name in sets:
        cells, row = [], []
        for method in methods:
            runs = [measured(run_one, folder / f"{name}.h5ad", method, label, seed) for seed in range(n_seeds)]
            aris = np.array([run.value for run in runs])
            row.append(aris.mean())
            cells.append(f"{aris.mean():.3f} ± {aris.std():.3f} ({_cost(runs)})")
        means.append(row)
        lines.append(f"| {name} | {' | '.join(cells)} |")
        typer.echo(lines[-1], err=True)
    lines.append("| **mean** | " + " | ".join(f"**{mean:.3f}**" for mean in np.mean(means, axis=0)) + " |")
    return "\n".join(lines)


def run_one(path: Path, method: str, label: str, seed: int) -> float:
    """ARI of one method on one set. The method gets the matrix, names and positions, and no annotation at all."""
    warnings.simplefilter("ignore")
    annotated = read_h5ad(path)
    truth = annotated.obs[label].astype(str).to_numpy()
    scored = ~np.isin(truth, NOT_LABELS)
    bare = AnnData(annotated.X.astype(np.float32))
    bare.var_names = annotated.var_names
    if "spatial" in annotated.obsm:
        bare.obsm["spatial"] = np.asarray(annotated.obsm["spatial"])
    del annotated
    labels = METHODS[method](bare, len(np.unique(truth[scored])), seed)
    return metrics.score(truth[scored], labels[scored])["ari"]


def _cost(runs: list[Measured]) -> str:
    return f"{max(run.seconds for run in runs):.0f} s, {max(run.gigabytes for run in runs):.1f} GB"
