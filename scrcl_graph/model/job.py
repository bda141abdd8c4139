"""What the result of training depends on, so that a checkpoint of another job is not taken for this one."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrcl_graph._version import __version__
from scrcl_graph.model.reference import Reference
from scrcl_graph.presets import Preset, to_plain


def describe(
    preset: Preset, genes: tuple[str, ...], graph: Reference, n_clusters: int | None, seed: int
) -> dict[str, Any]:
    """The job, as JSON can hold it.

    The data are told by a hash of what does not depend on how a machine rounds (genes, which of them each cell
    expresses, neighbours in the tissue), and by lengths and projections of what does: coordinates and gene graph.
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
        "coordinates": _fingerprint(graph.cell_x),
        "gene_graph": _fingerprint(graph.coexpressed @ np.random.default_rng(1).normal(size=(len(genes), 10))),
    }


def _fingerprint(X: NDArray[np.floating]) -> list[float]:
    """Of each column its length, and its product with a fixed random vector in units of that length.

    The latter is near 0 and can be either sign, so 10 is added: it is compared to a relative tolerance.
    """
    length = np.linalg.norm(X, axis=0)
    product = np.random.default_rng(0).normal(size=len(X)) @ X / np.maximum(length, 1e-12)
    return [*length.tolist(), *(10 + product).tolist()]
