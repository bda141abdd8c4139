"""What the result of training depends on, so that a checkpoint of another job is not taken for this one."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from scrcl_graph._version import __version__
from scrcl_graph.model.reference import Reference
from scrcl_graph.presets import Preset, to_plain


def describe(
    preset: Preset, genes: tuple[str, ...], graph: Reference, n_clusters: int | None, seed: int
) -> dict[str, Any]:
    """The job, as JSON can hold it.

    The data are told by a hash of what does not depend on how a machine rounds (genes, which of them each cell
    expresses, neighbours in the tissue), and by the lengths of the columns of the coordinates, which do.
    """
    digest = hashlib.sha256("\n".join(genes).encode())
    for matrix in (graph.expression, graph.adjacent):
        if matrix is not None:
            for part in (matrix.indptr, matrix.indices):
                digest.update(np.ascontiguousarray(part).data)
    return {
        "scrcl_graph": __version__,
        "preset": to_plain(preset),
        "n_clusters": n_clusters,
        "random_state": seed,
        "data": digest.hexdigest(),
        "coordinates": np.linalg.norm(graph.cell_x, axis=0).tolist(),
    }
