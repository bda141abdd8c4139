"""The page docs/performance.md: every figure of time and memory, remade by one command."""

from __future__ import annotations

import os
import platform
import tempfile
import warnings
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import anndata
import scanpy as sc
import torch
import typer
from sklearn.metrics import adjusted_rand_score

from scrcl_graph._files import replacing
from scrcl_graph._version import versions
from scrcl_graph.benchmark.aggregate import aggregate_table
from scrcl_graph.benchmark.associations import cost
from scrcl_graph.benchmark.epoch import epoch_table
from scrcl_graph.benchmark.process import measured
from scrcl_graph.benchmark.scale import run_file, scale_tables, write_cells

_REPEATS = 5  # runs beside scanpy, as the machine may be shared


def write_page(path: Path, sizes: list[int], beside: list[int], epochs: list[int]) -> None:
    """Measure everything and write the page; nothing is written before all is measured.

    Parameters
    ----------
    path
        Of the Markdown file.
    sizes
        Cells of the whole runs.
    beside
        Cells of the runs beside scanpy.
    epochs
        Cells of the epochs of the preset ``paper``, dense and linear.
    """
    listed = ", ".join(f"{name} {version}" for name, version in versions().items())
    command = "python -m scrcl_graph.benchmark"
    numbers = ",".join(map(str, sizes))
    sections = [
        "# Time and memory",
        "`make bench` measures everything on this page and writes it. "
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.processor() or platform.machine()}, "
        f"{os.cpu_count()} cores, torch with {torch.get_num_threads()} threads; Python {platform.python_version()}, "
        f"{listed}. Memory is the peak resident memory of the process that did it, all its libraries included.",
        "## Whole runs",
        f"`{command} scale --sizes {numbers}`: from an .h5ad file to the annotated .h5ad file; synthetic counts of "
        "2,000 genes and 10 planted types, number of clusters given, preset `default`; one run each. The estimate is "
        "what `scrcl-graph estimate` said before. Above 20,000 cells [everything is learned from a sample](scale.md).",
        scale_tables(sizes, 2000, 0.05, "default"),
        "## Beside scanpy",
        f"The same files and machine, in turn, {_REPEATS} times each, medians (ratios: median, smallest to largest); "
        f"what numba compiles was compiled before (`{command} scanpy --sizes {','.join(map(str, beside))}`). "
        "scanpy: normalise, 2,000 genes, PCA, neighbours, Leiden (igraph, resolution 1), UMAP, each by its defaults "
        "(above 8,192 cells scanpy 1.11 and pynndescent 0.7, as pinned here, do not work together).",
        scanpy_table(beside),
        "## One epoch of the preset `paper`, dense against linear",
        f"`{command} epoch --sizes {','.join(map(str, epochs))}`: the same network (width 1,500), once with the "
        "objectives as N x N matrices, once as sums. 2,000 genes; the fastest of three epochs.",
        epoch_table(epochs),
        "## Sums of messages",
        f"`{command} aggregate`: forward and backward over 750,000 edges, width 64.",
        aggregate_table(50_000, 15, 64, "cpu"),
        "## Genes",
        f"`{command} cost`: associations with their null, and gene modules, of 100,000 cells that are refined already.",
        cost(100_000, 2000),
    ]
    with replacing(path) as temporary:
        temporary.write_text("\n\n".join(sections) + "\n")


def scanpy_table(sizes: list[int]) -> str:
    """A Markdown table of whole runs of ours and of scanpy on the same files."""
    lines = [
        "| cells | ours: seconds | peak GB | ARI | scanpy: seconds | peak GB | ARI | seconds, ours / scanpy |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "cells.h5ad"
            measured(write_cells, source, size, 2000, 0.05, "default")
            measured(run_scanpy, source)  # the first run on a machine compiles what UMAP needs
            pairs = [(measured(run_file, source, "default"), measured(run_scanpy, source)) for _ in range(_REPEATS)]
        ours, theirs = pairs[0]
        seconds = [median(run.seconds for run in runs) for runs in zip(*pairs, strict=True)]
        ratios = sorted(one.seconds / other.seconds for one, other in pairs)
        ratio = f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        lines.append(
            f"| {size:,} | {seconds[0]:.1f} | {ours.gigabytes:.1f} | {ours.value[0]:.3f} | {seconds[1]:.1f} "
            f"| {theirs.gigabytes:.1f} | {theirs.value:.3f} | {ratio} |"
        )
        typer.echo(lines[-1], err=True)
    return "\n".join(lines)


def run_scanpy(path: Path) -> float:
    """The usual steps of scanpy from file to file; the ARI of Leiden's clusters with the planted types."""
    warnings.simplefilter("ignore")
    adata = anndata.read_h5ad(path)
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    sc.pp.pca(adata)
    sc.pp.neighbors(adata)
    sc.tl.leiden(adata, flavor="igraph", n_iterations=2)
    sc.tl.umap(adata)
    adata.write_h5ad(path.with_name("scanpy.h5ad"))
    return float(adjusted_rand_score(adata.obs["cell_type"], adata.obs["leiden"]))
