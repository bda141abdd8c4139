"""Small data sets from large ones, to see whether a method holds up where there are few cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from anndata import AnnData

from scrcl_graph._errors import InputError
from scrcl_graph._files import replacing
from scrcl_graph.benchmark.data import NOT_LABELS, find_sets
from scrcl_graph.io import read_h5ad

_FEWEST = 3


def write_samples(
    folder: Path, out: Path, n_cells: int, n_draws: int, label: str, sets: Sequence[str] | None = None
) -> list[Path]:
    """Write random samples of labelled cells as ``NAME-CELLS-DRAW.h5ad``, on which the benchmark can then be run.

    Sets without the label, or of no more cells, are left out; so are the cells of types that a sample has fewer than
    three of, which no method could find.

    Returns
    -------
    The files written.

    Raises
    ------
    InputError
        If there is no set to sample from.
    """
    written = []
    for path in find_sets(folder, sets):
        annotated = read_h5ad(path)
        if label not in annotated.obs:
            continue
        truth = annotated.obs[label].astype(str).to_numpy()
        labelled = np.flatnonzero(~np.isin(truth, NOT_LABELS))
        if len(labelled) <= n_cells:
            continue
        out.mkdir(parents=True, exist_ok=True)
        for draw in range(n_draws):
            cells = np.sort(np.random.default_rng(draw).permutation(labelled)[:n_cells])
            kinds, kind, counts = np.unique(truth[cells], return_inverse=True, return_counts=True)
            enough = counts[kind] >= _FEWEST
            sample = AnnData(annotated.X[cells[enough]], annotated.obs.loc[:, [label]].iloc[cells[enough]])
            sample.obs[label] = kinds[kind[enough]]
            sample.var_names = annotated.var_names
            written.append(out / f"{path.stem}-{n_cells}-{draw}.h5ad")
            with replacing(written[-1]) as temporary:
                sample.write_h5ad(temporary)
    if not written:
        raise InputError(f"no set of {folder} has a column '{label}' and more than {n_cells} cells with a label")
    return written
