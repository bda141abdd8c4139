"""``python -m scrcl_graph.benchmark accuracy|epoch|scale``: prints Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)


@app.command()
def accuracy(
    data: Annotated[Path, typer.Option(help="Folder of labelled .h5ad files.", envvar="SCRCL_GRAPH_DATA")],
    sets: Annotated[str, typer.Option(help="File names without .h5ad, separated by commas.")],
    methods: Annotated[str, typer.Option(help="Separated by commas.")] = "pca_kmeans,default",
    label: Annotated[str, typer.Option(help="Column of obs with the truth.")] = "cell_type",
    seeds: int = 5,
) -> None:
    """ARI with the number of clusters given, over seeds; no method sees a label."""
    from scrcl_graph.benchmark.accuracy import accuracy_table

    typer.echo(accuracy_table(data, sets.split(","), methods.split(","), label, seeds))


@app.command()
def epoch(sizes: str = "1000,4000,16000") -> None:
    """Seconds and peak memory of one epoch of the preset 'paper', dense formulas against linear ones."""
    from scrcl_graph.benchmark.epoch import epoch_table

    typer.echo(epoch_table([int(size) for size in sizes.split(",")]))


@app.command()
def scale(sizes: str = "1000,10000,100000", genes: int = 2000, density: float = 0.05) -> None:
    """The whole run on synthetic cells: seconds, peak memory, agreement with the planted types, and the estimate."""
    from scrcl_graph.benchmark.scale import scale_table

    typer.echo(scale_table([int(size) for size in sizes.split(",")], genes, density))


app()
