from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from anndata import AnnData

from scrcl_graph import datasets, tl

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def _planted() -> AnnData:
    return datasets.synthetic(240, 160, 4, density=0.2, seed=7)


@pytest.fixture
def planted(_planted: AnnData) -> AnnData:
    """240 cells of 4 planted types (obs["cell_type"]) and domains (obs["domain"]), 160 genes; a fresh copy."""
    return _planted.copy()


@pytest.fixture(scope="session")
def _refined(_planted: AnnData) -> AnnData:
    refined = tl.refine(_planted, copy=True)
    assert refined is not None
    return refined


@pytest.fixture
def refined(_refined: AnnData) -> AnnData:
    """``planted`` after tl.refine with its number of clusters chosen; a fresh copy."""
    return _refined.copy()


@pytest.fixture
def associated(refined: AnnData) -> AnnData:
    """``refined`` with associations and gene modules; a fresh copy."""
    tl.associations(refined)
    tl.gene_modules(refined)
    return refined


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the real data sets; tests that need it are skipped without it."""
    if "SCRCL_GRAPH_DATA" not in os.environ:
        pytest.skip("SCRCL_GRAPH_DATA is not set")
    return Path(os.environ["SCRCL_GRAPH_DATA"])
