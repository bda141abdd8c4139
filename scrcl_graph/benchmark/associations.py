"""What the association table is worth: planted genes, canonical markers of blood cells, seeds, and many cells."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scanpy as sc
from anndata import AnnData
from scipy.stats import kstest, spearmanr
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from scrcl_graph import datasets, get, metrics, tl
from scrcl_graph.benchmark.methods import get_method, pca_leiden, preset
from scrcl_graph.benchmark.process import measured
from scrcl_graph.io import read_h5ad

MARKERS = {
    "Naive CD4 T": ("IL7R", "CCR7", "CD3D"),
    "Memory CD4 T": ("IL7R", "CD3D"),
    "CD8 T": ("CD8A", "CD8B"),
    "B": ("MS4A1", "CD79A"),
    "NK": ("NKG7", "GNLY"),
    "CD14+ Mono": ("CD14", "LYZ"),
    "FCGR3A+ Mono": ("FCGR3A", "MS4A7"),
    "DC": ("FCER1A", "CST3"),
    "Platelet": ("PPBP", "PF4"),
}
_TOP = 10


def planted_table(seeds: int, shape: tuple[int, int, int, int] = (1000, 600, 5, 30), density: float = 0.1) -> str:
    """Markdown: recovery of planted genes and modules, and p-values where there is no structure; one row per seed."""
    lines = [
        "| seed | AUROC, score | AUROC, effect | AUROC, contrast | false discoveries at 5 % "
        "| module ARI | background genes in modules "
        "| KS p, known groups | KS p, split counts | KS p, same counts |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for seed in range(seeds):
        values = [f"{value:.3g}" for value in (*planted_run(seed, shape, density), *null_run(seed))]
        lines.append(f"| {seed} | {' | '.join(values)} |")
    return "\n".join(lines)


def planted_run(seed: int, shape: tuple[int, int, int, int], density: float) -> tuple[float, ...]:
    """AUROC by score, effect, contrast; false discovery rate, module ARI, share of background genes in modules."""
    n_cells, n_genes, k, size = shape
    adata = datasets.synthetic(n_cells, n_genes, k, module_size=size, density=density, seed=seed)
    tl.refine(adata, n_clusters=k, random_state=seed)
    tl.associations(adata)
    tl.gene_modules(adata, random_state=seed)
    areas: list[list[float]] = []
    false = called = 0
    for group, table in get.associations(adata).groupby("group", observed=True):
        own = int(adata.obs["cell_type"][adata.obs["scrcl"] == group].mode()[0].removeprefix("type_"))
        module = adata.var["module"][table["gene"]].to_numpy()
        areas.append([roc_auc_score(module == own, table[name]) for name in ("score", "effect", "contrast")])
        called += (table["padj"] < 0.05).sum()
        false += ((table["padj"] < 0.05).to_numpy() & (module < 0)).sum()
    found = adata.var["scrcl_modules"].cat.codes
    raised = adata.var["module"] >= 0
    ari = adjusted_rand_score(adata.var["module"][raised], found[raised])
    return *np.mean(areas, axis=0), false / max(called, 1), ari, float((found[~raised] >= 0).mean())


def null_run(seed: int) -> tuple[float, ...]:
    """KS p-values of uniformity, without structure: random groups, clusters of the other half, clusters of the same."""
    adata = datasets.synthetic(1000, 500, 1, module_size=0, density=0.3, seed=seed)
    adata.obs["random"] = pd.Categorical(np.random.default_rng(seed).choice(["a", "b", "c"], adata.n_obs))
    tl.split_counts(adata, random_state=seed)
    tl.refine(adata, n_clusters=3, layer="split_find", random_state=seed)
    found = []
    for layer, groupby, group in (("split_test", "random", "a"), ("split_test", None, "0"), (None, None, "0")):
        tl.associations(adata, layer=layer, groupby=groupby)
        found.append(kstest(adata.varm["scrcl_associations_pvalue"][group].dropna(), "uniform").pvalue)
    return tuple(found)


def markers_table(path: Path, seeds: int, method: str = "default") -> str:
    """Markdown: canonical markers in the top genes of pbmc3k's clusters, and agreement of gene rankings over seeds.

    ``method`` is one of ours, such as ``"default-gene_side"``.
    """
    warnings.simplefilter("ignore")
    adata = read_h5ad(path)
    truth = adata.obs.pop("cell_type").astype(str)
    k = truth[truth != "unlabelled"].nunique()
    tables: dict[str, list[dict[str, pd.Series]]] = {
        name: [] for name in ("contrast", "effect", "score", "fraction", "wilcoxon", "leiden")
    }
    for seed in range(seeds):
        preset.run(adata, k, seed, **get_method(method).options)
        tl.associations(adata)
        matched = _matched(adata.obs["scrcl"], truth)
        for statistic in ("contrast", "effect", "score", "fraction"):
            table = adata.varm[f"scrcl_associations_{statistic}"].dropna()
            tables[statistic].append({name: table[group] for group, name in matched.items()})
        tables["wilcoxon"].append(_wilcoxon(adata, adata.obs["scrcl"], matched))
        leiden = pd.Series(pca_leiden.run(adata.copy(), k, seed), index=adata.obs_names).astype(str)
        tables["leiden"].append(_wilcoxon(adata, leiden, _matched(leiden, truth)))
    lines = [
        "| type | canonical | among the top 10 by contrast | top 10 by contrast | of Wilcoxon's top 10 "
        "| seeds with one or more |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, canonical in MARKERS.items():
        tops = [list(run[name].nlargest(_TOP).index) for run in tables["contrast"] if name in run]
        theirs = tables["wilcoxon"][0].get(name, pd.Series(dtype=float)).nlargest(_TOP).index
        first = tops[0] if tops and name in tables["contrast"][0] else []
        hits = sum(bool(set(canonical) & set(top)) for top in tops)
        lines.append(
            f"| {name} | {', '.join(canonical)} | {', '.join(g for g in first if g in canonical) or '-'} "
            f"| {', '.join(first) or 'no cluster'} | {len(set(first) & set(theirs))} | {hits} of {seeds} |"
        )
    if seeds == 1:  # nothing to compare
        return "\n".join(lines)
    lines += [
        "",
        "| ranking | Spearman between seeds, mean | lowest type | types with a canonical gene, by seed |",
        "| --- | --- | --- | --- |",
    ]
    for label, runs in tables.items():
        by_type = _agreement(runs)
        named = [sum(bool(set(MARKERS[t]) & set(run[t].nlargest(_TOP).index)) for t in run) for run in runs]
        lowest = f"{by_type.idxmin()} {by_type.min():.3f}"
        lines.append(f"| {label} | {by_type.mean():.3f} | {lowest} | {', '.join(map(str, named))} |")
    return "\n".join(lines)


def held_out_table(paths: Sequence[Path], label: str) -> str:
    """Markdown: what the top ten genes of each ranking, found in half of the counts, tell in the other half.

    Labels are read for the number of clusters only. A cell's value for a cluster is the mean z-score of its ten genes.
    """
    names = ("contrast", "effect", "score", "specificity", "fraction")
    lines = [
        "| data | ranking | AUROC against all others | against the nearest cluster | cells in the right cluster |",
        "| --- | --- | --- | --- | --- |",
    ]
    for path in paths:
        adata = read_h5ad(path)
        truth = adata.obs.pop(label).astype(str)
        tl.refine(adata, n_clusters=truth[truth != "unlabelled"].nunique())
        tl.split_counts(adata)
        tl.associations(adata, layer="split_find")
        other = AnnData(adata.layers["split_test"], obs=adata.obs[["scrcl"]], var=adata.var[[]])
        sc.pp.normalize_total(other, target_sum=1e4)
        sc.pp.log1p(other)
        for name in names:
            values = _told(other, adata.varm[f"scrcl_associations_{name}"].dropna())
            lines.append(f"| {path.stem} | {name} | {' | '.join(f'{value:.3f}' for value in values)} |")
    return "\n".join(lines)


def _told(cells: AnnData, ranking: pd.DataFrame) -> tuple[float, float, float]:
    """How well the top genes of each cluster tell its cells: AUROC, the same against the nearest, recall."""
    labels = cells.obs["scrcl"].astype(str).to_numpy()
    shown = {}
    for group in ranking:
        values = cells[:, ranking[group].nlargest(_TOP).index].X.toarray()
        mean = ((values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6)).mean(axis=1)
        shown[group] = (mean - mean.mean()) / mean.std()
    value = pd.DataFrame(shown)
    pairs = {
        group: [
            roc_auc_score(labels[part] == group, value[group][part])
            for rival in ranking
            if rival != group and (part := np.isin(labels, [group, rival])).any()
        ]
        for group in ranking
    }
    everyone = np.mean([roc_auc_score(labels == group, value[group]) for group in ranking])
    found = value.idxmax(axis=1).to_numpy() == labels
    recall = np.mean([found[labels == group].mean() for group in ranking])
    return float(everyone), float(np.mean([min(areas) for areas in pairs.values()])), float(recall)


def _matched(labels: pd.Series, truth: pd.Series) -> dict[str, str]:
    """The type that each cluster is matched with."""
    known = (truth != "unlabelled").to_numpy()
    classes = np.unique(truth[known])
    of = metrics.match_clusters(truth[known], labels[known])
    pairs = pd.Series(of, index=labels[known].astype(str)).groupby(level=0).first()
    return {group: classes[i] for group, i in pairs.items() if i >= 0}


def _wilcoxon(adata: AnnData, labels: Any, matched: dict[str, str]) -> dict[str, pd.Series]:
    """Scanpy's Wilcoxon score of every gene that the model used."""
    used = adata.varm["scrcl_associations_score"].notna().all(axis=1).to_numpy()
    other = AnnData(
        adata.X.astype(np.float32), obs=pd.DataFrame({"group": labels.astype("category")}), var=adata.var[[]]
    )
    sc.pp.normalize_total(other, target_sum=1e4)
    sc.pp.log1p(other)
    other = other[:, used].copy()
    sc.tl.rank_genes_groups(other, "group", method="wilcoxon")
    return {
        name: sc.get.rank_genes_groups_df(other, group).set_index("names")["scores"].reindex(other.var_names)
        for group, name in matched.items()
    }


def _agreement(runs: list[dict[str, pd.Series]]) -> pd.Series:
    """Mean Spearman correlation of pairs of seeds, per type."""
    found: dict[str, list[float]] = {}
    for first, second in combinations(runs, 2):
        for name in first.keys() & second.keys():
            found.setdefault(name, []).append(float(spearmanr(first[name], second[name]).statistic))
    return pd.Series({name: float(np.mean(values)) for name, values in found.items()})


def cost(n_cells: int, n_genes: int) -> str:
    """Markdown: seconds and peak memory (the data included) of each verb after training, in a process of its own."""
    lines = [f"| {n_cells:,} cells x {n_genes:,} genes | seconds | peak GB |", "| --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "refined.h5ad"
        measured(_write_refined, path, n_cells, n_genes)
        for verb in (tl.associations, tl.gene_modules):
            run = measured(_timed, verb, path)
            lines.append(f"| {verb.__name__} | {run.value:.1f} | {run.gigabytes:.1f} |")
    return "\n".join(lines)


def _write_refined(path: Path, n_cells: int, n_genes: int) -> None:
    adata = datasets.synthetic(n_cells, n_genes, 10, module_size=40, density=0.05)
    tl.refine(adata, n_clusters=10)
    adata.write_h5ad(path)


def _timed(verb: Callable[[AnnData], object], path: Path) -> float:
    adata = read_h5ad(path)
    started = time.perf_counter()
    verb(adata)
    return time.perf_counter() - started
