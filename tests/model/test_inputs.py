from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError, ScRCL
from scrcl_graph.presets import Preset, get_preset
from scrcl_graph.train import TrainingPlan

QUICK = dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=5))


@pytest.fixture
def new(planted: AnnData) -> AnnData:
    """The half of the cells that the model ``half`` has not seen."""
    return planted[1::2].copy()


def test_types_of_unseen_cells_are_predicted(new: AnnData, half: ScRCL) -> None:
    assert adjusted_rand_score(new.obs["cell_type"], half.predict(new.X, genes=new.var_names)) > 0.9


def test_known_cells_land_near_where_they_were(planted: AnnData, fitted: ScRCL) -> None:
    again = fitted.transform(planted.X, genes=planted.var_names)
    assert (again * fitted.embedding_).sum(axis=1).min() > 0.95
    assert adjusted_rand_score(fitted.labels_, fitted.assign(again)) > 0.95


def test_known_cells_land_near_where_they_were_with_the_paper_preset(planted: AnnData) -> None:
    paper = get_preset("paper")
    paper = dataclasses.replace(paper, hidden_dim=64, plan=dataclasses.replace(paper.plan, epochs=20, lr=1e-3))
    model = ScRCL(4, preset=paper).fit(planted.X)
    assert (model.transform(planted.X) * model.embedding_).sum(axis=1).min() > 0.9


def test_a_new_cell_does_not_depend_on_the_other_new_cells(new: AnnData, half: ScRCL) -> None:
    together = half.transform(new.X, genes=new.var_names)
    for i in (0, 7, 31, 100):
        alone = half.transform(new.X[i], genes=new.var_names)
        np.testing.assert_allclose(alone[0], together[i], atol=1e-5)


def test_the_order_of_genes_and_genes_without_counts_do_not_matter(new: AnnData, half: ScRCL) -> None:
    order = np.random.default_rng(0).permutation(new.n_vars)
    more = sp.hstack([new.X[:, order], sp.csr_matrix((new.n_obs, 3))], format="csr")
    names = [*new.var_names[order], "x", "y", "z"]
    np.testing.assert_allclose(half.transform(more, genes=names), half.transform(new.X, genes=new.var_names), atol=1e-5)


def test_missing_genes_are_named_and_types_still_predicted(
    new: AnnData, half: ScRCL, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "scrcl_graph"):
        labels = half.predict(new.X[:, 10:], genes=new.var_names[10:])
    missing = [gene for gene in half.genes_ if gene in new.var_names[:10]]
    assert f"{len(missing)} of the model's {len(half.genes_)} genes are missing" in caplog.text
    assert missing[0] in caplog.text
    assert adjusted_rand_score(new.obs["cell_type"], labels) > 0.8


def test_no_gene_in_common_is_refused_with_examples_of_both_sides(new: AnnData, half: ScRCL) -> None:
    with pytest.raises(InputError, match=rf"knows names such as {half.genes_[0]}, .*the data ENSG0, ENSG1"):
        half.transform(new.X, genes=[f"ENSG{i}" for i in range(new.n_vars)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X - 1.0, "negative values"),
        (lambda X: np.where(X > 3, np.inf, X), "NaN or infinite"),
        (lambda X: X[:, :5], "5 genes in the matrix and 160 gene names"),
    ],
    ids=["negative", "infinite", "too few columns"],
)
def test_unusable_new_cells_are_refused(new: AnnData, half: ScRCL, change: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        half.transform(change(new.X.toarray()), genes=new.var_names)


def test_log_normalised_new_cells_are_placed_like_counts(new: AnnData, half: ScRCL) -> None:
    logged = np.log1p(new.X.multiply(1e4 / new.X.sum(axis=1)).tocsr())
    np.testing.assert_allclose(
        half.transform(logged, genes=new.var_names), half.transform(new.X, genes=new.var_names), atol=1e-4
    )


def test_a_model_on_given_coordinates_needs_them_for_new_cells_too(planted: AnnData, fitted: ScRCL) -> None:
    rng = np.random.default_rng(0)
    truth = planted.obs["cell_type"].cat.codes.to_numpy()
    rep = 4 * np.eye(4, 6)[truth] + rng.standard_normal((planted.n_obs, 6))
    model = ScRCL(4, preset=QUICK).fit(planted.X[::2], rep=rep[::2])
    assert adjusted_rand_score(truth[1::2], model.predict(planted.X[1::2], rep=rep[1::2])) > 0.9
    with pytest.raises(InputError, match="pass them for the new cells too"):
        model.transform(planted.X)
    with pytest.raises(InputError, match=r"5 .*6|6 .*5"):
        model.transform(planted.X, rep=rep[:, :5])
    with pytest.raises(InputError, match="makes its own coordinates: leave use_rep out"):
        fitted.transform(planted.X, rep=rep)


def test_new_cells_of_a_tissue_are_placed_with_their_positions(planted: AnnData) -> None:
    preset = dataclasses.replace(QUICK, n_spatial_neighbors=6)
    positions = planted.obsm["spatial"]
    model = ScRCL(4, preset=preset).fit(planted.X, spatial=positions)
    here = model.transform(planted.X, spatial=positions)
    elsewhere = model.transform(planted.X, spatial=np.random.default_rng(0).permutation(positions))
    likeness, unlikeness = ((found * model.embedding_).sum(axis=1).mean() for found in (here, elsewhere))
    assert likeness > 0.95
    assert likeness > unlikeness + 0.02
    with pytest.raises(InputError, match=r"240 cells.* 7 "):
        model.transform(planted.X, spatial=positions[:7])
    with pytest.raises(InputError, match="positions"):
        model.transform(planted.X)


def test_a_few_new_cells_are_of_the_unit_the_model_was_trained_on(planted: AnnData, one_run: Preset) -> None:
    share = planted.X.toarray() / planted.X.sum(axis=1)
    model = ScRCL(4, preset=one_run).fit(share, genes=list(planted.var_names))
    together = model.transform(share[:20], genes=list(planted.var_names))
    alone = model.transform(share[:1], genes=list(planted.var_names))
    np.testing.assert_allclose(alone, together[:1], atol=1e-5)
