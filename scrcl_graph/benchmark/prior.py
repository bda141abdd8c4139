"""Does a gene network from elsewhere help? Correlations of other blood cells as a prior for pbmc3k."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import typer
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import ScRCL, datasets, gr
from scrcl_graph._errors import InputError
from scrcl_graph.benchmark.data import LabelledSet, load

_N_GENE_NEIGHBORS = 5


def prior_table(path: Path, cells: list[int], seeds: int, label: str) -> str:
    """Markdown: agreement with the annotation without a prior, with it, and with its genes renamed at random.

    The prior is the correlation graph of scanpy's pbmc68k_reduced, other donors' blood. k is given. With fewer cells,
    which are drawn anew for every seed, the data's own correlations are worse and a prior has more to add.
    """
    warnings.simplefilter("ignore")
    logging.getLogger("scrcl_graph.gr.prior").setLevel(logging.ERROR)  # names the data does not have
    labelled = load(path, label)
    if labelled is None:
        raise InputError(f"{path} has no column '{label}' with two classes: choose another --label")
    network = correlations(datasets.pbmc68k_reduced().raw.to_adata())
    lines = ["| cells | no prior | prior | prior, genes renamed at random |", "| --- | --- | --- | --- |"]
    for size in cells:
        runs = np.array([_scores(labelled, network, size, seed) for seed in range(seeds)])
        found = [f"{mean:.3f} ± {sd:.3f}" for mean, sd in zip(runs.mean(axis=0), runs.std(axis=0), strict=True)]
        lines.append(f"| {size:,} | {' | '.join(found)} |")
        typer.echo(lines[-1], err=True)
    known = len({*network["gene"], *network["other"]} & set(labelled.bare.var_names))
    return "\n".join(lines) + f"\n\n{len(network):,} edges; {known} of their genes are in the data."


def correlations(adata: AnnData) -> pd.DataFrame:
    """The gene graph of log-normalised values as a table of edges."""
    graph = gr.gene_correlation(adata.X.tocsr(), _N_GENE_NEIGHBORS).tocoo()
    upper = graph.row < graph.col
    names = adata.var_names
    return pd.DataFrame(
        {"gene": names[graph.row[upper]], "other": names[graph.col[upper]], "weight": graph.data[upper]}
    )


def _scores(labelled: LabelledSet, network: pd.DataFrame, size: int, seed: int) -> list[float]:
    rng = np.random.default_rng(seed)
    rows = rng.permutation(labelled.bare.n_obs)[:size]
    bare, scored = labelled.bare[rows], labelled.scored[rows]
    known = sorted(set(network["gene"]) | set(network["other"]))
    renamed = dict(zip(known, rng.permutation(known), strict=True))
    shuffled = network.assign(gene=network["gene"].map(renamed), other=network["other"].map(renamed))
    out = []
    for prior in (None, network, shuffled):
        model = ScRCL(labelled.n_classes, random_state=seed).fit(bare.X, genes=list(bare.var_names), prior=prior)
        out.append(adjusted_rand_score(labelled.truth[rows][scored], model.labels_[scored]))
    return out
