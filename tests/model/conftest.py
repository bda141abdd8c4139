from __future__ import annotations

import dataclasses

import pytest
from anndata import AnnData

from scrcl_graph import ScRCL
from scrcl_graph.presets import Preset, get_preset


@pytest.fixture(scope="session")
def one_run() -> Preset:
    """The default preset with one network, to save time."""
    return dataclasses.replace(get_preset("default"), n_runs=1)


@pytest.fixture(scope="session")
def fitted(_planted: AnnData, one_run: Preset) -> ScRCL:
    """A model of the planted cells."""
    return ScRCL(4, preset=one_run, random_state=1).fit(_planted.X, genes=_planted.var_names)


@pytest.fixture(scope="session")
def half(_planted: AnnData, one_run: Preset) -> ScRCL:
    """A model of every second planted cell."""
    return ScRCL(4, preset=one_run).fit(_planted[::2].X, genes=_planted.var_names)
