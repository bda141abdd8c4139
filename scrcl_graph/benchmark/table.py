"""Tables of a benchmark, from the tidy results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import studentized_range

Groups = Mapping[str, Sequence[str]]
_TIE = 0.01


def markdown(runs: pd.DataFrame, stability: pd.DataFrame, groups: Groups | None = None) -> str:
    """All tables as one Markdown text.

    Parameters
    ----------
    runs
        One row per run, as written to ``runs.csv``.
    stability
        Sets x methods: agreement between seeds.
    groups
        Named lists of sets that get a mean of their own.
    """
    ok = runs[runs["status"] == "ok"]
    given = bool((runs["k_mode"] == "given").all())
    parts = ["## ARI", _note(runs), ari_table(runs, groups or {})]
    parts += ["## Against the best floor of each set", against_floors(runs)]
    if ok["method"].nunique() > 1:
        parts += ["## Average rank", rank_table(runs)]
    if not given:
        parts += ["## Number of clusters", k_table(ok)]
    parts += ["## All scores, mean over sets of the mean over seeds", score_table(ok, stability)]
    parts += ["## Recall of types under 5 % of the cells", rare_table(ok)]
    parts += ["## Seconds (median over seeds) and peak memory", cost_table(ok)]
    failed = runs[runs["status"] != "ok"]
    if len(failed):
        parts += ["## Runs without a result", _markdown(failed[["set", "method", "seed", "status", "error"]])]
    return "\n\n".join(parts) + "\n"


def ari_table(runs: pd.DataFrame, groups: Groups) -> str:
    """Mean and inter-quartile range of the ARI per set, the mean over sets, and the mean of each group."""
    mean = per_set(runs, "ari")
    spread = _pivot(runs, "ari", lambda x: x.quantile(0.75) - x.quantile(0.25)).reindex_like(mean)
    best = mean.max(axis=1)
    body = pd.DataFrame(index=mean.index, columns=mean.columns, dtype=object)
    for name in mean.index:
        for method in mean.columns:
            value = mean.loc[name, method]
            text = "-" if np.isnan(value) else f"{value:.3f}"
            bold = f"**{text}**" if value == best[name] else text
            body.loc[name, method] = bold if np.isnan(value) else f"{bold} ({spread.loc[name, method]:.3f})"
    rows = [_mean_row("**mean**", mean)]
    for group, members in groups.items():
        inside = mean.loc[[name for name in mean.index if name in members]]
        if len(inside):
            rows.append(_mean_row(f"**mean, {group}** ({len(inside)})", inside))
    return _markdown(pd.concat([body, *rows]), index="set")


def against_floors(runs: pd.DataFrame) -> str:
    """For each method: sets won, tied (within .01) and lost against the best floor of the set."""
    floors = runs.loc[runs["kind"] == "floor", "method"].unique()
    mean = per_set(runs, "ari")
    if len(floors) == 0:
        return "No floor was run."
    best = mean[floors].max(axis=1)
    rows = []
    for method in mean.columns:
        gap = (mean[method] - best).dropna()
        rows.append(
            {
                "method": method,
                "won": str((gap > _TIE).sum()),
                "tied": str((gap.abs() <= _TIE).sum()),
                "lost": str((gap < -_TIE).sum()),
                "mean difference": f"{gap.mean():+.3f}",
            }
        )
    rows.append({"method": "best floor of each set", "mean difference": f"mean ARI {best.mean():.3f}"})
    return _markdown(pd.DataFrame(rows).fillna(""))


def rank_table(runs: pd.DataFrame) -> str:
    """Average rank over the sets that all methods finished (1 is best), and the critical difference."""
    ranks, critical, n_sets = average_ranks(runs)
    rows = [{"method": name, "average rank": f"{rank:.2f}"} for name, rank in ranks.items()]
    note = f"{n_sets} sets; ranks further apart than {critical:.2f} differ at 5 % (Nemenyi)."
    return f"{_markdown(pd.DataFrame(rows))}\n\n{note}"


def average_ranks(runs: pd.DataFrame) -> tuple[pd.Series, float, int]:
    """Average ranks, the critical difference of Nemenyi (Demsar 2006), and the number of sets behind them."""
    mean = per_set(runs, "ari").dropna(axis=0)
    ranks = mean.rank(axis=1, ascending=False).mean(axis=0).sort_values()
    m, n = len(ranks), max(len(mean), 1)
    critical = studentized_range.ppf(0.95, m, np.inf) / np.sqrt(2) * np.sqrt(m * (m + 1) / (6 * n))
    return ranks, float(critical), len(mean)


def k_table(ok: pd.DataFrame) -> str:
    """Median number of clusters found, beside the number of classes; and in how many sets it is within 2."""
    found = _pivot(ok, "k_found", "median")
    true = ok.groupby("set")["k_true"].first()
    near = found.sub(true, axis=0).abs() <= 2
    body = found.map(lambda x: "-" if np.isnan(x) else f"{x:g}")
    body.insert(0, "classes", true.astype(str))
    body.loc["**within 2**"] = ["", *[f"{int(near[method].sum())} of {len(near)}" for method in found.columns]]
    return _markdown(body, index="set")


def score_table(ok: pd.DataFrame, stability: pd.DataFrame) -> str:
    """Every score, supervised and label-free, averaged over sets."""
    names = ["acc", "nmi", "ari", "macro_f1", "rare_recall", "silhouette", "purity"]
    table = pd.DataFrame({name: _pivot(ok, name, "mean").mean(axis=0) for name in names})
    table["stability"] = stability.mean(axis=0)
    return _markdown(table.map(lambda x: f"{x:.3f}"), index="method")


def rare_table(ok: pd.DataFrame) -> str:
    """Recall of rare types, sets that have some."""
    table = _pivot(ok, "rare_recall", "mean").dropna(how="all")
    if table.empty:
        return "No set has such types."
    table.loc["**mean**"] = table.mean(axis=0)
    return _markdown(table.map(lambda x: "-" if np.isnan(x) else f"{x:.3f}"), index="set")


def cost_table(ok: pd.DataFrame) -> str:
    """Seconds and gigabytes per set."""
    seconds, memory = _pivot(ok, "seconds", "median"), _pivot(ok, "gigabytes", "max")
    body = seconds.map(lambda x: f"{x:.1f} s") + ", " + memory.map(lambda x: f"{x:.1f} GB")
    return _markdown(body, index="set")


def per_set(runs: pd.DataFrame, score: str) -> pd.DataFrame:
    """Sets x methods, mean over seeds; methods in the order they were run, NaN where no run has a result."""
    mean = _pivot(runs[runs["status"] == "ok"], score, "mean")
    return mean.reindex(index=runs["set"].unique(), columns=runs["method"].unique())


def _pivot(runs: pd.DataFrame, score: str, how: object) -> pd.DataFrame:
    return runs.pivot_table(index="set", columns="method", values=score, aggfunc=how, sort=False, dropna=False)


def _note(runs: pd.DataFrame) -> str:
    told = "the number of classes given" if (runs["k_mode"] == "given").all() else "the number of clusters not given"
    return f"Mean (inter-quartile range) over {runs['seed'].nunique()} seeds, {told}; the best of a set in bold."


def _mean_row(name: str, mean: pd.DataFrame) -> pd.DataFrame:
    cells = {m: "-" if mean[m].isna().any() else f"**{mean[m].mean():.3f}**" for m in mean.columns}
    return pd.DataFrame(cells, index=[name])


def _markdown(table: pd.DataFrame, index: str | None = None) -> str:
    if index is not None:
        table = table.rename_axis(index).reset_index()
    lines = [list(map(str, table.columns)), ["---"] * table.shape[1], *table.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
