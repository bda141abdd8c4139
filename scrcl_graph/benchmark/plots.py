"""Plots of a benchmark; each returns a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scrcl_graph.benchmark.table import average_ranks, per_set


def per_set_plot(runs: pd.DataFrame) -> Figure:
    """ARI of every run, a row per set, a colour per method."""
    ok, sets, methods = runs[runs["status"] == "ok"], runs["set"].unique(), runs["method"].unique()
    figure = Figure(figsize=(7, 1 + 0.45 * len(sets)), layout="constrained")
    ax = figure.subplots()
    for j, method in enumerate(methods):
        mine = ok[ok["method"] == method]
        height = mine["set"].map({name: i for i, name in enumerate(sets)}) + (j + 0.5) / len(methods) * 0.8 - 0.4
        ax.scatter(mine["ari"], height, s=14, alpha=0.8, color=f"C{j}", label=method)
    ax.set(yticks=range(len(sets)), yticklabels=sets, xlabel="ARI", ylim=(len(sets) - 0.5, -0.5), xlim=(None, 1.01))
    ax.hlines(np.arange(len(sets) - 1) + 0.5, *ax.get_xlim(), color="0.9", linewidth=0.8)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def rank_plot(runs: pd.DataFrame) -> Figure:
    """Average ranks with a bar as long as the critical difference: methods under one bar do not differ at 5 %."""
    ranks, critical, n_sets = average_ranks(runs)
    figure = Figure(figsize=(6, 1.2 + 0.3 * len(ranks)), layout="constrained")
    ax = figure.subplots()
    ax.scatter(ranks, range(len(ranks)), color="C0", zorder=2)
    ax.hlines(range(len(ranks)), ranks, ranks + critical, color="0.7", zorder=1)
    ax.set(yticks=range(len(ranks)), yticklabels=ranks.index, ylim=(len(ranks) - 0.5, -0.5))
    ax.set(xlabel="average rank by ARI (1 is best)", title=f"{n_sets} sets; line: critical difference {critical:.2f}")
    return figure


def cost_plot(runs: pd.DataFrame) -> Figure:
    """Mean ARI over sets against mean seconds, a point per method."""
    ari, seconds = per_set(runs, "ari").mean(axis=0), per_set(runs, "seconds").mean(axis=0)
    figure = Figure(figsize=(6, 4), layout="constrained")
    ax = figure.subplots()
    for j, method in enumerate(ari.index):
        ax.scatter(seconds[method], ari[method], color=f"C{j}")
        ax.annotate(method, (seconds[method], ari[method]), xytext=(4, 4), textcoords="offset points", fontsize=8)
    ax.set(xscale="log", xlabel="seconds per run (mean over sets)", ylabel="ARI (mean over sets)")
    return figure
