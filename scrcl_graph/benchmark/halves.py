"""New cells: how the labels that a model of one half gives to the other agree with clustering all cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import typer
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import ScRCL
from scrcl_graph._adata.parts import categories
from scrcl_graph.benchmark.data import NOT_LABELS
from scrcl_graph.io import read_h5ad
from scrcl_graph.presets import Preset

_HALVES = 5


def halves_table(files: list[Path], label: str, preset: str | Preset = "default") -> str:
    """A Markdown table of adjusted Rand indices with clustering all cells, mean ± sd of five random halves.

    The annotation gives the number of clusters and nothing else. What a model of half of the cells can reach is bounded
    by how much the clustering itself changes: with half of the cells (third and fourth column), and with the seed
    (last).
    """
    lines = [
        "| set | new half, by the model | half learned from | new half, clustered itself | all, other seed |",
        "| --- | --- | --- | --- | --- |",
    ]
    for path in files:
        adata = read_h5ad(path)
        k = len(set(categories(adata, label).cat.categories) - set(NOT_LABELS))
        runs = np.array([_agreements(adata, k, preset, seed) for seed in range(_HALVES)])
        cells = [f"{mean:.3f} ± {sd:.3f}" for mean, sd in zip(runs.mean(axis=0), runs.std(axis=0), strict=True)]
        lines.append(f"| {path.stem}, {k} clusters | {' | '.join(cells)} |")
        typer.echo(f"{lines[-1]} each: {', '.join(f'{run:.3f}' for run in runs[:, 0])}", err=True)
    return "\n".join(lines)


def _agreements(adata: AnnData, k: int, preset: str | Preset, seed: int) -> tuple[float, float, float, float]:
    order = np.random.default_rng(seed).permutation(adata.n_obs)
    known, new = np.sort(order[: adata.n_obs // 2]), np.sort(order[adata.n_obs // 2 :])
    everyone, again, half, other = (
        ScRCL(k, preset=preset, random_state=own).fit(adata.X[cells])
        for cells, own in ((slice(None), seed), (slice(None), seed + _HALVES), (known, seed), (new, seed))
    )
    whole = everyone.labels_
    return (
        adjusted_rand_score(whole[new], half.predict(adata.X[new])),
        adjusted_rand_score(whole[known], half.labels_),
        adjusted_rand_score(whole[new], other.labels_),
        adjusted_rand_score(whole, again.labels_),
    )
