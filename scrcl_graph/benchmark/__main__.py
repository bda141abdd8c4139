"""``python -m scrcl_graph.benchmark COMMAND``: the figures of the documentation, as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scrcl_graph._errors import InputError

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)


@app.command()
def epoch(sizes: str = "1000,4000,16000") -> None:
    """Seconds and peak memory of one epoch of the preset 'paper', dense formulas against linear ones."""
    from scrcl_graph.benchmark.epoch import epoch_table

    typer.echo(epoch_table([int(size) for size in sizes.split(",")]))


@app.command()
def scale(sizes: str = "1000,10000,100000", genes: int = 2000, density: float = 0.05, preset: str = "default") -> None:
    """The whole run on synthetic cells: seconds, peak memory, agreement with what was planted, and the estimate."""
    from scrcl_graph.benchmark.scale import scale_tables

    typer.echo(scale_tables([int(size) for size in sizes.split(",")], genes, density, preset))


@app.command()
def scanpy(sizes: str = "4000") -> None:
    """The whole run beside scanpy's usual steps, on the same files."""
    from scrcl_graph.benchmark.performance import scanpy_table

    typer.echo(scanpy_table([int(size) for size in sizes.split(",")]))


@app.command()
def performance(
    output: Annotated[Path, typer.Option("--output", "-o")] = Path("docs/performance.md"),
    sizes: str = "1000,4000,10000,30000,100000,300000,1000000",
    beside: str = "1000,4000",
    epochs: str = "1000,4000,16000",
) -> None:
    """Every figure of time and memory, on one page."""
    from scrcl_graph.benchmark.performance import write_page

    write_page(output, *([int(size) for size in text.split(",")] for text in (sizes, beside, epochs)))


@app.command()
def tiles(cells: int = 4_000, sizes: str = "1000", layer: str = "gatv2") -> None:
    """Training on all cells at once beside training in tiles of these sizes, with a layer between cells."""
    from scrcl_graph.benchmark.tiles import tiles_table

    typer.echo(tiles_table(cells, [int(size) for size in sizes.split(",")], layer))


@app.command()
def slices(
    files: Annotated[list[Path] | None, typer.Argument(help="Annotated .h5ad files to take as slices of one.")] = None,
    cut: Annotated[list[Path] | None, typer.Option(help="Annotated .h5ad file to cut into two slices.")] = None,
    label: str = "domain",
) -> None:
    """Domains of several slices found together, and one by one: agreement with the annotation."""
    from scrcl_graph.benchmark.slices import slices_table

    typer.echo(slices_table(files or [], cut or [], label))


@app.command()
def halves(files: list[Path], label: str = "cell_type") -> None:
    """Labels of new cells by a model of the other half: agreement with clustering all cells."""
    from scrcl_graph.benchmark.halves import halves_table

    typer.echo(halves_table(files, label))


@app.command()
def sample(
    data: Path,
    output: Path,
    cells: Annotated[int, typer.Option(min=10)] = 60,
    draws: Annotated[int, typer.Option(min=1)] = 2,
    label: str = "cell_type",
    sets: str | None = None,
) -> None:
    """Random samples of labelled sets, as files to run the benchmark on."""
    from scrcl_graph.benchmark.sample import write_samples

    names = sets.split(",") if sets is not None else None
    typer.echo(f"{len(write_samples(data, output, cells, draws, label, names))} files in {output}")


@app.command()
def planted(seeds: int = 5) -> None:
    """Associations and modules of planted genes; p-values where there is no structure."""
    from scrcl_graph.benchmark.associations import planted_table

    typer.echo(planted_table(seeds))


@app.command()
def markers(pbmc3k: Path, seeds: int = 5, method: str = "default") -> None:
    """Canonical markers of blood cells, and agreement of rankings over seeds beside scanpy's."""
    from scrcl_graph.benchmark.associations import markers_table

    typer.echo(markers_table(pbmc3k, seeds, method))


@app.command()
def held_out(files: list[Path], label: str = "cell_type") -> None:
    """Rankings of genes found in half of the counts, by how well their top genes tell clusters in the other half."""
    from scrcl_graph.benchmark.associations import held_out_table

    typer.echo(held_out_table(files, label))


@app.command()
def prior(pbmc3k: Path, cells: str = "300,2700", seeds: int = 5, label: str = "cell_type") -> None:
    """Types of blood cells with and without a prior gene network, the correlations of other blood cells."""
    from scrcl_graph.benchmark.prior import prior_table

    typer.echo(prior_table(pbmc3k, [int(size) for size in cells.split(",")], seeds, label))


@app.command()
def cost(cells: int = 100_000, genes: int = 2000) -> None:
    """Seconds and memory of associations and gene modules, after training."""
    from scrcl_graph.benchmark.associations import cost as measure

    typer.echo(measure(cells, genes))


@app.command()
def aggregate(nodes: int = 50_000, neighbors: int = 15, width: int = 64, device: str = "cpu") -> None:
    """Ways to add up messages, with torch-scatter where it is installed: forward and backward pass in milliseconds."""
    from scrcl_graph.benchmark.aggregate import aggregate_table

    typer.echo(aggregate_table(nodes, neighbors, width, device))


try:
    app()
except InputError as err:
    typer.echo(str(err), err=True)
    raise SystemExit(2) from None
