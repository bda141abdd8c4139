"""What a run will take, told before anything runs: from the sizes in the file's header and measured constants."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from scrcl_graph._errors import InputError
from scrcl_graph.presets import Preset, get_preset


@dataclass(frozen=True)
class Estimate:
    """Resources of one run on a CPU with two cores.

    Attributes
    ----------
    n_cells, n_genes, nnz
        Size of the matrix.
    gigabytes
        Peak memory of the process.
    seconds
        Wall time.
    """

    n_cells: int
    n_genes: int
    nnz: int
    gigabytes: float
    seconds: float

    def __str__(self) -> str:
        density = 100 * self.nnz / (self.n_cells * self.n_genes)
        minutes = f"{self.seconds / 60:.0f} min" if self.seconds >= 120 else f"{self.seconds:.0f} s"
        return (
            f"{self.n_cells:,} cells x {self.n_genes:,} genes, {density:.1f} % non-zero\n"
            f"about {self.gigabytes:.1f} GB of memory and {minutes} on 2 CPU cores"
        )


def estimate(n_cells: int, n_genes: int, nnz: int, preset: str | Preset = "default") -> Estimate:
    """Memory and time from sizes alone.

    Parameters
    ----------
    n_cells, n_genes, nnz
        Size of the matrix and its number of non-zero entries.
    preset
        As in :func:`scrcl_graph.tl.refine`.
    """
    chosen = get_preset(preset)
    raise NotImplementedError
