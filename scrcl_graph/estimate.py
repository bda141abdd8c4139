"""What a run will take, told before anything runs: from the sizes in a file's header and measured constants."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import h5py

from scrcl_graph._errors import InputError
from scrcl_graph.io import IN_MEMORY
from scrcl_graph.presets import Preset, get_preset

# Measured on 2 CPU cores, `make bench` (docs/performance.md).
_BASE_GB, _BASE_SECONDS = 0.75, 1.0
_BYTES_LOADED = 8.0  # of an entry of a matrix that is read whole
_BYTES_KEPT = 8.0  # of an entry of the chosen genes
_BYTES_NORMALISED = 17.0  # more for a moment
_BYTES_PER_CELL = 4_000.0  # coordinates, embedding, factors, kNN edges
_BYTES_PER_LEARNED = 54_000.0  # hidden layers and their gradients, of two networks at a time; edges
_BYTES_PER_TILE_ENTRY = 250.0  # edges of the cells that are learned from and of a tile of others, both ways
_SECONDS_PER_ENTRY = 0.3e-6
_SECONDS_PER_CELL = 4.2e-4  # placing, encoding and labelling
_SECONDS_PER_LEARNED = 0.65e-3  # graph, coordinates and clusters
_SECONDS_PER_EPOCH = 1.15e-5  # and cell that is learned from
_SECONDS_PER_GENE_EPOCH = 0.2e-5
# Choosing the number of clusters: halves of at most 1,500 cells are clustered, and all that are learned from labelled.
_CHOICE_SECONDS, _CHOICE_PER_CELL, _CHOICE_CELLS, _CHOICE_PER_OTHER = 2.4, 3.1e-3, 3000, 0.8e-3


@dataclass(frozen=True)
class Estimate:
    """Resources of one run on two CPU cores.

    Attributes
    ----------
    n_cells, n_genes, n_entries
        Size of the matrix and its stored entries.
    gigabytes
        Peak memory of the process.
    seconds
        Wall time.
    """

    n_cells: int
    n_genes: int
    n_entries: int
    gigabytes: float
    seconds: float

    def __str__(self) -> str:
        density = 100 * self.n_entries / (self.n_cells * self.n_genes)
        duration = f"{self.seconds / 60:.0f} minutes" if self.seconds >= 120 else f"{self.seconds:.0f} seconds"
        return (
            f"{self.n_cells:,} cells x {self.n_genes:,} genes, {density:.1f} % stored\n"
            f"about {self.gigabytes:.1f} GB of memory and {duration} on 2 CPU cores"
        )


def estimate(
    n_cells: int, n_genes: int, n_entries: int, preset: str | Preset = "default", *, n_clusters: int | None = None
) -> Estimate:
    """Memory and time from sizes alone.

    Parameters
    ----------
    n_cells, n_genes, n_entries
        Size of the matrix and its number of non-zero entries.
    preset, n_clusters
        As in :func:`scrcl_graph.tl.refine`; choosing the number of clusters takes time.
    """
    chosen = get_preset(preset)
    width = chosen.hidden_dim / 128 * (1 + chosen.plan.double_precision)
    learned = min(n_cells, chosen.n_training_cells or n_cells)
    # the chosen genes hold more than their share of the entries, about its root (.08 to .44 of six real sets)
    kept = n_entries * min(1.0, chosen.n_top_genes / n_genes) ** 0.5
    held = min(n_entries * _BYTES_LOADED, IN_MEMORY) + kept * _BYTES_KEPT
    tiles = min(2 * learned, n_cells) * kept / n_cells * _BYTES_PER_TILE_ENTRY if learned < n_cells else 0.0
    working = n_cells * _BYTES_PER_CELL + learned * _BYTES_PER_LEARNED * width + tiles
    gigabytes = _BASE_GB + (held + max(kept * _BYTES_NORMALISED, working)) / 1e9
    epoch = learned * _SECONDS_PER_EPOCH + min(n_genes, chosen.n_top_genes) * _SECONDS_PER_GENE_EPOCH
    seconds = _BASE_SECONDS + n_entries * _SECONDS_PER_ENTRY + learned * _SECONDS_PER_LEARNED
    seconds += (n_cells - learned) * _SECONDS_PER_CELL + chosen.plan.epochs * chosen.n_runs * width * epoch
    if n_clusters is None:
        halved = min(learned, _CHOICE_CELLS)
        seconds += _CHOICE_SECONDS + halved * _CHOICE_PER_CELL + (learned - halved) * _CHOICE_PER_OTHER
    return Estimate(n_cells, n_genes, n_entries, gigabytes, seconds)


def estimate_file(
    path: str | PathLike[str],
    *,
    preset: str | Preset = "default",
    layer: str | None = None,
    n_clusters: int | None = None,
) -> Estimate:
    """:func:`estimate` for an .h5ad file, of which only the header is read.

    Raises
    ------
    InputError
        If the file is no .h5ad file or has no such layer.
    """
    where = "X" if layer is None else "raw/X" if layer == "raw" else f"layers/{layer}"
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: only an .h5ad file can be estimated")
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        with h5py.File(path) as file:
            if where not in file:
                raise InputError(f"{path} has no {where}")
            matrix = file[where]
            if isinstance(matrix, h5py.Dataset):
                n_cells, n_genes = matrix.shape
                n_entries = n_cells * n_genes
            else:
                n_cells, n_genes = (int(n) for n in matrix.attrs["shape"])
                n_entries = len(matrix["data"])
    except InputError:
        raise
    except (OSError, KeyError, TypeError, ValueError) as err:
        raise InputError(f"{path} cannot be read as .h5ad") from err
    if not n_cells or not n_genes:
        raise InputError(f"the {where} of {path} is {n_cells} x {n_genes}: there is nothing to run on")
    return estimate(n_cells, n_genes, n_entries, preset, n_clusters=n_clusters)
