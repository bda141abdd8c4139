from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
import torch
from anndata import AnnData

from scrcl_graph import ScRCL
from scrcl_graph.model import AssociationFactors
from scrcl_graph.nn import AssociationAttention
from scrcl_graph.presets import get_preset
from scrcl_graph.train import TrainingPlan


def test_group_means_are_those_of_the_full_score_matrix() -> None:
    rng = np.random.default_rng(0)
    factors = AssociationFactors(
        rng.standard_normal((50, 4)).astype(np.float32), rng.standard_normal((30, 4)).astype(np.float32)
    )
    labels = rng.choice([0, 1, 3], size=50)  # no cell has label 2
    scores = factors.cells @ factors.genes.T
    means = factors.group_means(labels)
    for label in (0, 1, 3):
        np.testing.assert_allclose(means[label], scores[labels == label].mean(axis=0), atol=1e-5)
    assert not means[2].any()


def test_morans_i_equals_the_dense_formula_and_is_nan_without_edges_or_scores() -> None:
    rng = np.random.default_rng(1)
    genes = rng.standard_normal((30, 4)).astype(np.float32)
    genes[7] = 0
    factors = AssociationFactors(rng.standard_normal((50, 4)).astype(np.float32) + 1, genes)
    graph = np.triu(rng.random((50, 50)) < 0.1, 1).astype(np.float64)
    graph += graph.T
    scores = factors.cells.astype(np.float64) @ genes.T.astype(np.float64)
    scores -= scores.mean(axis=0)
    with np.errstate(invalid="ignore"):
        expected = 50 / graph.sum() * np.einsum("ig,ij,jg->g", scores, graph, scores) / (scores**2).sum(axis=0)
    np.testing.assert_allclose(factors.morans_i(sp.csr_matrix(graph)), expected, rtol=1e-6, atol=1e-8)
    assert np.isnan(factors.morans_i(sp.csr_matrix((50, 50)))).all()


def test_profiles_correlate_as_the_scores_do() -> None:
    rng = np.random.default_rng(1)
    cells = rng.standard_normal((200, 6)).astype(np.float32)
    factors = AssociationFactors(cells - cells.mean(axis=0), rng.standard_normal((15, 6)).astype(np.float32))
    profiles = factors.profiles()
    np.testing.assert_allclose(profiles @ profiles.T, np.corrcoef(factors.scores().T), atol=1e-5)
    parts = factors.split(2)
    np.testing.assert_allclose(parts[0].scores() + parts[1].scores(), factors.scores(), atol=1e-4)


def test_scores_are_relative_to_the_average_cell(fitted: ScRCL) -> None:
    factors = fitted.association_
    assert factors.cells.dtype == factors.genes.dtype == np.float32
    scores = factors.cells @ factors.genes.T
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-4 * np.abs(scores).max())
    assert scores.std() > 0


def test_the_scores_that_networks_attend_by_are_those_exported(planted: AnnData) -> None:
    preset = replace(
        get_preset("default"), n_runs=2, plan=TrainingPlan(epochs=5), layers={"expressed_in": "association_attention"}
    )
    model = ScRCL(4, preset=preset).fit(planted.X)
    attended = []
    for network in model._networks:
        layer = network.from_genes.layer
        assert isinstance(layer, AssociationAttention)
        hook = layer.register_forward_pre_hook(
            lambda _, x, options: attended.append(options["scores"]), with_kwargs=True
        )
        with torch.no_grad():
            network(model.graph_)
        hook.remove()
    tables = [(scores.cells @ scores.genes.T + scores.bias).numpy() for scores in attended]
    relative = [table - table.mean(axis=0) for table in tables]  # to the average cell, as scores are exported
    for table, factors in zip(relative, model.association_.split(2), strict=True):
        np.testing.assert_allclose(2 * factors.scores(), table, atol=1e-4)
    np.testing.assert_allclose(model.association_.scores(), sum(relative) / 2, atol=1e-4)
    assert np.abs(relative[0] - relative[1]).max() > 0.1  # far from all zero, and two networks
