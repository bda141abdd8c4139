"""The command line: arguments in, verbs called, files out, and what came out said."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from scrcl_graph._errors import InputError, LostProcessError
from scrcl_graph._version import __version__

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"scrcl-graph {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Say the version and stop.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """Cell types and tissue domains without labels, on a graph of cells and genes."""


Input = Annotated[
    Path,
    typer.Argument(
        help="An .h5ad file, 10x counts (.h5 or folder), a Visium folder or a SpatialData .zarr.", metavar="IN"
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where the annotated .h5ad goes.")]
Layer = Annotated[str | None, typer.Option(help="Layer to read; 'raw' for adata.raw. Default: X.")]
Clusters = Annotated[int | None, typer.Option("--n-clusters", help="Default: chosen without labels.")]
PresetName = Annotated[str, typer.Option(help="default, spatial, paper, or a .toml file.")]
Layers = Annotated[
    str | None,
    typer.Option(help="Message-passing layers, such as cell-cell=gatv2{heads=4},gene-gene=mine.py:MyConv."),
]
Seed = Annotated[int, typer.Option(help="Same seed, same labels.")]
SpatialKey = Annotated[str, typer.Option(help="Key of obsm with positions, for the preset 'spatial'.")]
BatchKey = Annotated[str | None, typer.Option(help="Column of obs with the slice or sample.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, ...")]
Report = Annotated[Path | None, typer.Option(help="Also write an HTML report.")]
SavedModel = Annotated[Path | None, typer.Option("--model", help="Also save the model in this new folder.")]
Resume = Annotated[
    Path | None,
    typer.Option("--checkpoint", help="Folder for the state of training; a stopped run goes on from there."),
]
GeneSets = Annotated[Path | None, typer.Option(help="A GMT file: sets enriched in a cluster, in the report.")]
Modules = Annotated[bool, typer.Option("--modules", help="Also find modules of genes, told in the report too.")]
Key = Annotated[str, typer.Option("--key-added", help="Name of the results.")]


@app.command()
def refine(
    source: Input,
    output: Output,
    n_clusters: Clusters = None,
    preset: PresetName = "default",
    layers: Layers = None,
    seed: Seed = 0,
    layer: Layer = None,
    spatial_key: SpatialKey = "spatial",
    batch_key: BatchKey = None,
    key_added: Key = "scrcl",
    device: Device = "auto",
    report: Report = None,
    model: SavedModel = None,
    checkpoint: Resume = None,
    gene_sets: GeneSets = None,
    modules: Modules = False,
) -> None:
    """Cluster the cells of a file; keeps all its content and adds the results."""
    from scrcl_graph import tl

    _cluster(
        tl.refine,
        source,
        output,
        report,
        model,
        gene_sets,
        modules,
        layers,
        n_clusters=n_clusters,
        preset=preset,
        layer=layer,
        spatial_key=spatial_key,
        batch_key=batch_key,
        key_added=key_added,
        checkpoint=checkpoint,
        random_state=seed,
        device=device,
    )


@app.command()
def domains(
    source: Input,
    output: Output,
    n_clusters: Clusters = None,
    library_key: Annotated[str | None, typer.Option(help="Column of obs with the slice.")] = None,
    layers: Layers = None,
    seed: Seed = 0,
    layer: Layer = None,
    spatial_key: SpatialKey = "spatial",
    spatial_graph: Annotated[str, typer.Option(help="knn, delaunay, radius or grid.")] = "knn",
    n_neighbors: Annotated[int, typer.Option(help="Spatial neighbours, for knn and grid.", min=1)] = 6,
    radius: Annotated[float | None, typer.Option(help="For radius, in the unit of the positions.")] = None,
    spatial_vote: Annotated[bool, typer.Option("--spatial-vote", help="Smooth the labels at the end.")] = False,
    key_added: Key = "scrcl",
    device: Device = "auto",
    report: Report = None,
    model: SavedModel = None,
    checkpoint: Resume = None,
    gene_sets: GeneSets = None,
    modules: Modules = False,
) -> None:
    """Find the tissue domains of one slice or many; keeps all content of the file and adds the results."""
    from scrcl_graph import tl

    _cluster(
        tl.domains,
        source,
        output,
        report,
        model,
        gene_sets,
        modules,
        layers,
        n_clusters=n_clusters,
        library_key=library_key,
        layer=layer,
        spatial_key=spatial_key,
        spatial_graph=spatial_graph,
        n_neighbors=n_neighbors,
        radius=radius,
        spatial_vote=spatial_vote,
        key_added=key_added,
        checkpoint=checkpoint,
        random_state=seed,
        device=device,
    )


def _cluster(
    verb: Callable[..., object],
    source: Path,
    output: Path,
    report: Path | None,
    model: Path | None,
    gene_sets: Path | None,
    modules: bool,
    layers: str | None,
    **options: Any,
) -> None:
    """Read, run a verb, write what was asked for, and say what came out."""
    from scrcl_graph import tl
    from scrcl_graph._registry import from_text, pairs_from_text
    from scrcl_graph.gr import read_gmt
    from scrcl_graph.io import check_writable, read, sample_name, write_h5ad
    from scrcl_graph.report import write_report

    settings_file = Path(options["preset"]) if str(options.get("preset")).endswith(".toml") else None
    check_writable([source, gene_sets, settings_file, options["checkpoint"]], output, report, model)
    if gene_sets is not None and report is None:
        raise InputError("--gene-sets is for the report: give --report too")
    sets = None if gene_sets is None else read_gmt(gene_sets)
    chosen = {place: from_text(text) for place, text in pairs_from_text(layers or "", "cell-cell")}
    adata = read(source)
    started = time.perf_counter()
    verb(adata, model_path=model, layers=chosen, **options)
    key = options["key_added"]
    without = None
    wanted: dict[Callable[..., object], bool] = {
        tl.associations: True,
        tl.gene_modules: modules,
        tl.domain_statistics: verb is tl.domains,
    }
    for more in (more for more, asked in wanted.items() if asked):
        try:  # no reason to lose the clusters
            more(adata, key=key)
        except InputError as err:
            typer.echo(f"scrcl-graph: {err}", err=True)
            without = err if more is tl.associations else without
    write_h5ad(adata, output)
    sizes = ", ".join(str(n) for n in adata.obs[key].value_counts(sort=False))
    typer.echo(f"{adata.n_obs} cells in {adata.uns[key]['n_clusters']} clusters of {sizes} cells")
    typer.echo(f"{time.perf_counter() - started:.1f} s; results: {output}")
    if model is not None:
        typer.echo(f"model: {model}")
    if report is not None:
        if without is not None:
            raise InputError(f"there is no report, but the results are written: {without}")
        write_report(adata, report, key=key, title=sample_name(source), gene_sets=sets)
        typer.echo(f"report: {report}")


@app.command()
def apply(
    model: Annotated[Path, typer.Argument(help="Folder of a saved model.", metavar="MODEL")],
    source: Input,
    output: Output,
    layer: Layer = None,
    spatial_key: SpatialKey = "spatial",
    batch_key: Annotated[
        str | None, typer.Option("--batch-key", "--library-key", help="Column of obs with the slice or sample.")
    ] = None,
    key_added: Key = "scrcl",
    device: Device = "auto",
) -> None:
    """Embed and label the cells of another file with a saved model."""
    from scrcl_graph import tl
    from scrcl_graph.io import check_writable, read, write_h5ad
    from scrcl_graph.model.persistence import FILES

    check_writable([source, *(model / name for name in FILES)], output)
    adata = read(source)
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
def estimate(
    source: Annotated[Path, typer.Argument(help="An .h5ad file.", metavar="IN.h5ad")],
    n_clusters: Clusters = None,
    preset: PresetName = "default",
    layer: Layer = None,
) -> None:
    """Say what memory and time a run would take, without running it."""
    from scrcl_graph.estimate import estimate_file

    typer.echo(estimate_file(source, preset=preset, layer=layer, n_clusters=n_clusters))


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path("demo-output"),
    seed: Seed = 0,
) -> None:
    """Run the main job on 700 real blood cells that come with scanpy."""
    from scrcl_graph import datasets, metrics, tl
    from scrcl_graph.io import write_h5ad
    from scrcl_graph.report import write_report

    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is no folder: choose another one for the results")
    output.mkdir(parents=True, exist_ok=True)
    adata = datasets.pbmc68k_reduced()
    annotation = adata.obs.pop("bulk_labels")  # kept from the method, used below to judge it
    typer.echo(f"pbmc68k_reduced: {adata.n_obs} cells x {adata.raw.n_vars} genes, annotation set aside")
    started = time.perf_counter()
    tl.refine(adata, random_state=seed)
    tl.associations(adata)
    seconds = time.perf_counter() - started
    adata.obs["bulk_labels"] = annotation
    scores = metrics.score(annotation, adata.obs["scrcl"])
    typer.echo(f"{adata.uns['scrcl']['n_clusters']} clusters in {seconds:.1f} s, their number chosen without labels")
    typer.echo(f"against the annotation of 10 types: ARI {scores['ari']:.2f}, NMI {scores['nmi']:.2f}")
    write_h5ad(adata, output / "pbmc68k_reduced.h5ad")
    write_report(adata, output / "report.html", title="Demo: pbmc68k_reduced", annotation="bulk_labels")
    typer.echo(f"results: {output / 'pbmc68k_reduced.h5ad'}")
    typer.echo(f"report:  {output / 'report.html'}")


def _list_methods(asked: bool) -> None:
    if asked:
        from scrcl_graph.benchmark import METHODS

        typer.echo("\n".join(f"{method.name:32s} {method.kind}" for method in METHODS.values()))
        raise typer.Exit


@app.command()
def benchmark(
    data: Annotated[Path, typer.Option(help="Folder of labelled .h5ad files.", envvar="SCRCL_GRAPH_DATA")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the results; a stopped run resumes there.")
    ],
    methods: Annotated[
        str, typer.Option(help="Names, or paths of .py files, separated by commas; --list names them.")
    ] = "pca_kmeans,scaled_pca_kmeans,pca_leiden,pca_leiden_res1,default",
    layers: Annotated[
        str | None,
        typer.Option(
            help="Also the preset 'default' with each of these layers: gcn,gatv2{heads=4},gene-gene=mine.py:MyConv."
        ),
    ] = None,
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
    timeout: Annotated[float, typer.Option(help="Seconds after which a run is ended.", min=1)] = 3600.0,
    group: Annotated[
        list[str] | None, typer.Option(help="NAME=a,b,c: sets that get a mean of their own; can be repeated.")
    ] = None,
    peers_python: Annotated[Path | None, typer.Option(help="Python of the environment of the peers.")] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Name the methods and stop.", is_eager=True, callback=_list_methods)
    ] = False,
) -> None:
    """Compare methods on labelled data; no method sees a label, each run has its own process."""
    from scrcl_graph.benchmark import Protocol, run_benchmark

    if k not in ("given", "auto"):
        raise InputError(f"--k is '{k}', but must be 'given' or 'auto'")
    parts = [entry.partition("=") for entry in group or []]
    if wrong := [entry for entry, (name, _, members) in zip(group or [], parts, strict=True) if not (name and members)]:
        raise InputError(f"--group is '{wrong[0]}': give NAME=a,b,c")
    run_benchmark(
        data,
        [name for name in methods.split(",") if name],
        output,
        Protocol(label, k, seeds, timeout, peers_python),  # type: ignore[arg-type]
        layers=layers,
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
        if "WORLD_SIZE" in os.environ:  # torchrun
            from scrcl_graph.train import run

            run(lambda: app(arguments))
        else:
            app(arguments)
    except (InputError, ImportError, LostProcessError, OSError) as err:
        typer.echo(f"scrcl-graph: {err}", err=True)
        raise SystemExit(1 if isinstance(err, LostProcessError) else 2) from None
