from __future__ import annotations

import numpy as np
import pytest
import scanpy as sc
from scipy.spatial.distance import pdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import datasets, tl
from scrcl_graph.datasets.tissue import Layout


def type_shares(data: datasets.PlantedTissue) -> np.ndarray:
    table = np.zeros(data.composition.shape)
    np.add.at(table, (data.domains, data.types), 1)
    return table / table.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("layout", ["layers", "patches"])
def test_domains_are_different_mixtures_of_the_same_types(layout: Layout) -> None:
    data = datasets.plant_tissue(6000, 100, 4, 6, layout=layout, seed=1)
    np.testing.assert_allclose(data.composition.sum(axis=1), 1)
    np.testing.assert_allclose(type_shares(data), data.composition, atol=0.05)
    assert data.composition.max() < 0.7  # no type makes a domain ...
    assert (data.composition > 0).all()  # ... and none is left out
    assert pdist(data.composition).min() > 0.2


def test_layers_lie_in_order_and_gradients_pass_from_one_to_the_next() -> None:
    layers, gradient = (datasets.plant_tissue(6000, 100, layout=layout, seed=2) for layout in ("layers", "gradient"))
    for data in (layers, gradient):
        depth = [data.common[data.domains == d, 1].mean() for d in range(4)]
        assert depth == sorted(depth)
    for data, sharp in ((layers, True), (gradient, False)):
        # cells of domain 1 on the side of domain 0 have more types of domain 0 than those on the other side?
        y = data.common[:, 1] + 0.05 * np.sin(2 * np.pi * data.common[:, 0])
        near, far = (data.domains == 1) & (y < 0.32), (data.domains == 1) & (y > 0.43)
        difference = np.mean(np.isin(data.types[near], [0, 5])) - np.mean(np.isin(data.types[far], [0, 5]))
        assert (difference > 0.1) != sharp


def test_patches_come_in_islands() -> None:
    data = datasets.plant_tissue(2000, 100, 4, layout="patches", seed=0)
    spread = [data.common[data.domains == d].std(axis=0).max() for d in range(4)]
    assert max(spread) > 0.25  # a disc of a quarter of the tissue has .14
    assert np.bincount(data.domains, minlength=4).min() > 100


def test_a_slice_is_turned_without_changing_distances_and_slices_do_not_touch() -> None:
    data = datasets.plant_tissue(150, 100, n_slices=3, seed=3)
    for s in range(3):
        own = data.slices == s
        np.testing.assert_allclose(pdist(data.positions[own]), pdist(data.common[own]), atol=1e-5)
        offset = data.positions[own] - data.common[own]
        assert (np.ptp(offset, axis=0) < 1e-6).all() == (s == 0)
    boxes = [(data.positions[data.slices == s, 0].min(), data.positions[data.slices == s, 0].max()) for s in range(3)]
    assert boxes[0][1] < boxes[1][0]
    assert boxes[1][1] < boxes[2][0]


def test_a_batch_effect_shifts_genes_between_slices_and_none_does_not() -> None:
    spread = []
    for batch in (0.0, 0.5):
        data = datasets.plant_tissue(3000, 100, n_slices=2, batch=batch, density=0.6, seed=4)
        a, b = (np.asarray(data.counts[data.slices == s].mean(axis=0)).ravel() for s in range(2))
        spread.append(np.log(b / a).std())
    assert spread[0] < 0.1
    assert spread[1] == pytest.approx(0.5 * np.sqrt(2), rel=0.25)


def test_type_modules_follow_the_type_and_domain_modules_the_domain() -> None:
    data = datasets.plant_tissue(3000, 300, 4, 6, domain_fold=3.0, fold=5.0, density=0.4, mixing=0.5, seed=5)
    counts = data.counts.toarray()
    for d in range(4):
        raised = counts[:, data.modules == 6 + d].sum(axis=1)
        for t in range(6):  # within a type, so that its composition plays no part
            own = data.types == t
            assert raised[own & (data.domains == d)].mean() / raised[own & (data.domains != d)].mean() == pytest.approx(
                3, rel=0.2
            )
    for t in range(6):
        raised = counts[:, data.modules == t].sum(axis=1)
        assert raised[data.types == t].mean() / raised[data.types != t].mean() == pytest.approx(5, rel=0.15)
    without = datasets.plant_tissue(50, 300, 4, 6, seed=5)
    assert set(without.modules) == {-1, *range(6)}


def test_the_anndata_holds_what_was_planted_and_the_same_seed_gives_it_again() -> None:
    size = {"n_cells": 40, "n_genes": 160, "n_slices": 2, "layout": "patches", "seed": 6}
    adata, data = datasets.synthetic_tissue(**size), datasets.plant_tissue(**size)  # type: ignore[arg-type]
    assert (data.counts != adata.X).nnz == 0
    assert (adata.X.data == np.round(adata.X.data)).all()
    assert list(adata.obs["domain"]) == [f"domain_{i}" for i in data.domains]
    assert list(adata.obs["cell_type"]) == [f"type_{i}" for i in data.types]
    assert list(adata.obs["slice"]) == [f"slice_{i}" for i in data.slices]
    assert np.array_equal(adata.var["module"] == "type_2", data.modules == 2)
    assert np.array_equal(adata.obsm["spatial"], data.positions)


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown layout 'rings': choose one of layers, patches, gradient"):
        datasets.plant_tissue(layout="rings")  # type: ignore[arg-type]


def test_the_preset_for_tissue_finds_domains_that_expression_alone_does_not() -> None:
    adata = datasets.synthetic_tissue(600, domain_fold=2.0)
    tl.refine(adata, n_clusters=4, preset="spatial")
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    sc.pp.pca(adata, n_comps=20)
    alone = KMeans(4, n_init=10, random_state=0).fit_predict(adata.obsm["X_pca"])
    floor = adjusted_rand_score(adata.obs["domain"], alone)
    found = adjusted_rand_score(adata.obs["domain"], adata.obs["scrcl"])
    assert floor < 0.3
    assert found > 0.7
