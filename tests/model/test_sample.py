"""Models that learn from a sample of the cells."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import ScRCL, datasets
from scrcl_graph.presets import Preset, get_preset


@pytest.fixture(scope="module")
def sampled(_planted: AnnData, one_run: Preset) -> ScRCL:
    preset = dataclasses.replace(one_run, n_training_cells=100)
    return ScRCL(4, preset=preset).fit(_planted.X, genes=_planted.var_names)


def test_all_cells_are_labelled_from_a_sample(planted: AnnData, sampled: ScRCL) -> None:
    assert sampled.graph_["cell"].num_nodes == 100
    n = planted.n_obs
    assert len(sampled.labels_) == len(sampled.embedding_) == len(sampled.association_.cells) == n
    assert sampled.connectivities_.shape == (n, n)
    assert adjusted_rand_score(planted.obs["cell_type"], sampled.labels_) > 0.9
    np.testing.assert_allclose(sampled.association_.cells.mean(axis=0), 0, atol=1e-5)


def test_cells_outside_the_sample_get_what_new_cells_get(planted: AnnData, sampled: ScRCL) -> None:
    again = sampled.transform(planted.X, genes=planted.var_names)
    same = np.isclose(again, sampled.embedding_, atol=1e-5).all(axis=1)
    assert same.sum() >= planted.n_obs - 100
    labels = sampled.predict(planted.X, genes=planted.var_names)
    assert np.array_equal(labels[same], sampled.labels_[same])


def test_encoding_in_parts_changes_nothing(planted: AnnData, sampled: ScRCL, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sampled.transform(planted.X, genes=planted.var_names)
    monkeypatch.setattr("scrcl_graph.model.estimator._TILE", 17)
    np.testing.assert_allclose(sampled.transform(planted.X, genes=planted.var_names), whole, atol=1e-5)


def test_tissue_in_parts_gets_every_message(monkeypatch: pytest.MonkeyPatch) -> None:
    tissue = datasets.synthetic_tissue(400, seed=1)
    preset = dataclasses.replace(get_preset("spatial"), embedding="views", n_training_cells=200)
    model = ScRCL(4, preset=preset).fit(tissue.X, spatial=tissue.obsm["spatial"])
    assert 200 <= model.graph_["cell"].num_nodes < 300
    whole = model.transform(tissue.X, spatial=tissue.obsm["spatial"])
    monkeypatch.setattr("scrcl_graph.model.estimator._TILE", 50)
    np.testing.assert_allclose(model.transform(tissue.X, spatial=tissue.obsm["spatial"]), whole, atol=1e-5)


def test_cells_of_tissue_outside_the_sample_get_every_message_in_fit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    tissue = datasets.synthetic_tissue(400, seed=1)
    preset = dataclasses.replace(get_preset("spatial"), embedding="views", n_training_cells=200)
    model = ScRCL(4, preset=preset).fit(tissue.X, spatial=tissue.obsm["spatial"])
    whole = model.transform(tissue.X, spatial=tissue.obsm["spatial"])
    same = np.isclose(whole, model.embedding_, atol=1e-5).all(axis=1)
    assert same.sum() >= 400 - model.graph_["cell"].num_nodes
