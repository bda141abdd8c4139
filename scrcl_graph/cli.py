"""The command line: arguments in, verbs called, files out. No logic lives here."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from scrcl_graph._errors import InputError

app = typer.Typer(
    help="Cell types and tissue domains without labels, on a graph of cells and genes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Input = Annotated[Path, typer.Argument(help="An .h5ad file.", metavar="IN.h5ad")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where the annotated .h5ad goes.")]
Layer = Annotated[str | None, typer.Option(help="Layer to read; 'raw' for adata.raw. Default: X.")]
Clusters = Annotated[int | None, typer.Option("--n-clusters", help="Default: chosen without labels.")]
PresetName = Annotated[str, typer.Option(help="default, spatial or paper.")]
Seed = Annotated[int, typer.Option(help="Same seed, same labels.")]
SpatialKey = Annotated[str, typer.Option(help="Key of obsm with positions, for the preset 'spatial'.")]
BatchKey = Annotated[str | None, typer.Option(help="Column of obs with the slice or sample.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, ...")]
Key = Annotated[str, typer.Option("--key-added", help="Name of the results.")]


@app.command()
def refine(
    source: Input,
    output: Output,
    n_clusters: Clusters = None,
    preset: PresetName = "default",
    seed: Seed = 0,
    layer: Layer = None,
    spatial_key: SpatialKey = "spatial",
    batch_key: BatchKey = None,
    key_added: Key = "scrcl",
    device: Device = "auto",
    report: Annotated[Path | None, typer.Option(help="Also write an HTML report.")] = None,
    model: Annotated[Path | None, typer.Option(help="Also save the model in this new folder.")] = None,
    gene_sets: Annotated[
        Path | None, typer.Option(help="A GMT file: sets enriched in a cluster, in the report.")
    ] = None,
) -> None:
    """Cluster the cells of an .h5ad file; keeps all its content and adds the results."""
    from scrcl_graph import tl
    from scrcl_graph.gr import read_gmt
    from scrcl_graph.io import check_writable, read_h5ad, write_h5ad
    from scrcl_graph.report import write_report

    check_writable(source, output, report, model)
    sets = None if gene_sets is None else read_gmt(gene_sets)
    adata = read_h5ad(source)
    started = time.perf_counter()
    tl.refine(
        adata,
        n_clusters=n_clusters,
        preset=preset,
        layer=layer,
        spatial_key=spatial_key,
        batch_key=batch_key,
        key_added=key_added,
        model_path=model,
        random_state=seed,
        device=device,
    )
    tl.associations(adata, key=key_added)
    write_h5ad(adata, output)
    sizes = ", ".join(str(n) for n in adata.obs[key_added].value_counts(sort=False))
    typer.echo(f"{adata.n_obs} cells in {adata.uns[key_added]['n_clusters']} clusters of {sizes} cells")
    typer.echo(f"{time.perf_counter() - started:.1f} s; results: {output}")
    if model is not None:
        typer.echo(f"model: {model}")
    if report is not None:
        write_report(adata, report, key=key_added, title=source.name, gene_sets=sets)
        typer.echo(f"report: {report}")


@app.command()
def apply(
    model: Annotated[Path, typer.Argument(help="Folder of a saved model.", metavar="MODEL")],
    source: Input,
    output: Output,
    layer: Layer = None,
    spatial_key: SpatialKey = "spatial",
    batch_key: BatchKey = None,
    key_added: Key = "scrcl",
    device: Device = "auto",
) -> None:
    """Embed and label the cells of another file with a saved model."""
    from scrcl_graph import tl
    from scrcl_graph.io import check_writable, read_h5ad, write_h5ad

    check_writable(source, output)
    adata = read_h5ad(source)
    tl.apply(
        adata,
        model,
        layer=layer,
        spatial_key=spatial_key,
        batch_key=batch_key,
        key_added=key_added,
        device=device,
    )
    write_h5ad(adata, output)
    missing = len(adata.uns[key_added]["missing_genes"])
    typer.echo(f"{adata.n_obs} cells labelled" + (f"; {missing} genes of the model were missing" if missing else ""))
    typer.echo(f"results: {output}")


@app.command()
def estimate(source: Input, preset: PresetName = "default", layer: Layer = None) -> None:
    """Say what memory and time a run would take, without running it."""
    from scrcl_graph.estimate import estimate_file

    typer.echo(estimate_file(source, preset=preset, layer=layer))


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path("demo-output"),
    seed: Seed = 0,
) -> None:
    """Run the main job on 700 real blood cells that come with scanpy."""
    from scrcl_graph import datasets, metrics, tl
    from scrcl_graph.io import write_h5ad
    from scrcl_graph.report import write_report

    output.mkdir(parents=True, exist_ok=True)
    adata = datasets.pbmc68k_reduced()
    annotation = adata.obs.pop("bulk_labels")  # kept from the method, used below to judge it
    typer.echo(f"pbmc68k_reduced: {adata.n_obs} cells x {adata.raw.n_vars} genes, annotation set aside")
    started = time.perf_counter()
    tl.refine(adata, random_state=seed)
    tl.associations(adata)
    seconds = time.perf_counter() - started
    scores = metrics.score(annotation, adata.obs["scrcl"])
    typer.echo(f"{adata.uns['scrcl']['n_clusters']} clusters in {seconds:.1f} s, their number chosen without labels")
    typer.echo(f"against the annotation of 10 types: ARI {scores['ari']:.2f}, NMI {scores['nmi']:.2f}")
    write_h5ad(adata, output / "pbmc68k_reduced.h5ad")
    write_report(adata, output / "report.html", title="Demo: pbmc68k_reduced")
    typer.echo(f"results: {output / 'pbmc68k_reduced.h5ad'}")
    typer.echo(f"report:  {output / 'report.html'}")


@app.command()
def benchmark(
    data: Annotated[Path, typer.Option(help="Folder of labelled .h5ad files.", envvar="SCRCL_GRAPH_DATA")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the results; a stopped run resumes there.")
    ],
    methods: Annotated[
        str, typer.Option(help="Names, or paths of .py files, separated by commas; 'list' names them.")
    ] = "pca_kmeans,scaled_pca_kmeans,pca_leiden,pca_leiden_res1,default",
    sets: Annotated[
        str | None, typer.Option(help="File names without .h5ad, separated by commas. Default: all.")
    ] = None,
    label: Annotated[
        str, typer.Option(help="Column of obs with the truth; files without it are left out.")
    ] = "cell_type",
    seeds: Annotated[int, typer.Option(help="Runs of each method on each set.", min=1)] = 5,
    k: Annotated[
        str, typer.Option(help="'given' or 'auto': whether methods are told the number of classes.")
    ] = "given",
    timeout: Annotated[float, typer.Option(help="Seconds after which a run is ended.")] = 3600.0,
    group: Annotated[
        list[str] | None, typer.Option(help="NAME=a,b,c: sets that get a mean of their own; can be repeated.")
    ] = None,
    peers_python: Annotated[Path | None, typer.Option(help="Python of the environment of the peers.")] = None,
) -> None:
    """Compare methods on labelled data; no method sees a label, each run has its own process."""
    from scrcl_graph.benchmark import METHODS, Protocol, run_benchmark

    if methods == "list":
        typer.echo("\n".join(f"{method.name:20s} {method.kind}" for method in METHODS.values()))
        return
    if k not in ("given", "auto"):
        raise InputError(f"--k is '{k}', but must be 'given' or 'auto'")
    parts = [entry.partition("=") for entry in group or []]
    run_benchmark(
        data,
        methods.split(","),
        output,
        Protocol(label, k, seeds, timeout, peers_python),  # type: ignore[arg-type]
        sets=sets.split(",") if sets is not None else None,
        groups={name: members.split(",") for name, _, members in parts},
        say=typer.echo,
    )
    typer.echo(f"\n{(output / 'tables.md').read_text()}\nresults: {output}")


def main(arguments: list[str] | None = None) -> None:
    """Entry point: bad input ends with exit code 2 and one sentence."""
    from scrcl_graph._settings import settings

    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("scrcl_graph").setLevel(logging.INFO)
    settings.progress = sys.stderr.isatty()
    try:
        app(arguments)
    except (InputError, ImportError) as err:
        typer.echo(f"scrcl-graph: {err}", err=True)
        raise SystemExit(2) from None
