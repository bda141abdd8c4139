"""Models that learn and encode in tiles."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from anndata import AnnData

from scrcl_graph import ScRCL
from scrcl_graph.presets import Preset


def test_a_model_in_tiles_is_that_of_the_whole_graph(
    planted: AnnData, one_run: Preset, fitted: ScRCL, tmp_path: Path
) -> None:
    plan = dataclasses.replace(one_run.plan, tile_cells=40)
    tiled = ScRCL(4, preset=dataclasses.replace(one_run, plan=plan), random_state=1)
    tiled.fit(planted.X, genes=planted.var_names)
    assert np.array_equal(tiled.labels_, fitted.labels_)
    # single precision: rounding grows while a network is trained
    np.testing.assert_allclose(tiled.embedding_, fitted.embedding_, atol=0.02)
    tiled.save(tmp_path / "model")
    again = ScRCL.load(tmp_path / "model")
    new = planted[::3]
    assert again.preset.plan.tile_cells == 40  # type: ignore[union-attr]
    np.testing.assert_array_equal(
        again.transform(new.X, genes=new.var_names), tiled.transform(new.X, genes=new.var_names)
    )
    tiled.preset = one_run  # the same networks, whole
    whole = tiled.transform(new.X, genes=new.var_names)
    np.testing.assert_allclose(again.transform(new.X, genes=new.var_names), whole, atol=1e-5)
