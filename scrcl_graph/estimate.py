"""What a run will take, told before anything runs: from the sizes in a file's header and measured constants."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py

from scrcl_graph._errors import InputError
from scrcl_graph.presets import Preset, get_preset

# Measured on 2 CPU cores; `make bench` measures again beside the estimate (docs/results.md).
_BASE_GB, _BASE_SECONDS = 0.67, 5.0
_BYTES_PER_ENTRY = 45.0  # copies of the matrix, its transpose and the edge lists
_BYTES_PER_CELL = 26_000.0  # coordinates, hidden layers and their gradients, kNN edges
_SECONDS_PER_ENTRY = 1.5e-6
_SECONDS_PER_CELL_EPOCH = 2.0e-5  # of 100,000 cells; 10,000 took half of it each
_SECONDS_PER_CELL = 0.5e-3


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


def estimate(n_cells: int, n_genes: int, n_entries: int, preset: str | Preset = "default") -> Estimate:
    """Memory and time from sizes alone.

    Parameters
    ----------
    n_cells, n_genes, n_entries
        Size of the matrix and its number of non-zero entries.
    preset
        As in :func:`scrcl_graph.tl.refine`.
    """
    chosen = get_preset(preset)
    width = chosen.hidden_dim / 128
    gigabytes = _BASE_GB + (n_entries * _BYTES_PER_ENTRY + n_cells * _BYTES_PER_CELL * width) / 1e9
    per_cell = _SECONDS_PER_CELL + _SECONDS_PER_CELL_EPOCH * chosen.plan.epochs * chosen.n_runs * width
    seconds = _BASE_SECONDS + n_entries * _SECONDS_PER_ENTRY + n_cells * per_cell
    return Estimate(n_cells, n_genes, n_entries, gigabytes, seconds)


def estimate_file(path: Path, *, preset: str | Preset = "default", layer: str | None = None) -> Estimate:
    """:func:`estimate` for an .h5ad file, of which only the header is read.

    Raises
    ------
    InputError
        If the file is no .h5ad file or has no such layer.
    """
    where = "X" if layer is None else "raw/X" if layer == "raw" else f"layers/{layer}"
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
    except (OSError, KeyError, ValueError) as err:
        raise InputError(f"{path} cannot be read as .h5ad") from err
    return estimate(n_cells, n_genes, n_entries, preset)
