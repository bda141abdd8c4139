"""Real data that comes with a dependency, so that no network is needed."""

from __future__ import annotations

import warnings

from anndata import AnnData


def pbmc68k_reduced() -> AnnData:
    """700 blood cells from scanpy: log-normalised in ``raw``, scaled in ``X``, annotated in ``bulk_labels``."""
    import scanpy as sc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the file is of an old AnnData format, which reading it points out
        return sc.datasets.pbmc68k_reduced()
