from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import squidpy as sq
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError, ScRCL, datasets, gr, tl


@pytest.fixture(scope="module")
def tissue() -> AnnData:
    return datasets.synthetic_tissue(400, 160, 4, 6, n_slices=3, batch=1.5, mixing=0.0, fold=6.0, seed=1)


@pytest.fixture(scope="module")
def two(tissue: AnnData, tmp_path_factory: pytest.TempPathFactory) -> tuple[AnnData, Path]:
    """The first two slices with their domains, and the model."""
    folder = tmp_path_factory.mktemp("domains") / "model"
    known = tissue[tissue.obs["slice"] != "slice_2"].copy()
    tl.domains(known, n_clusters=4, library_key="slice", model_path=folder)
    return known, folder


def test_a_domain_has_one_name_in_all_slices(two: tuple[AnnData, Path]) -> None:
    known, _ = two
    together = adjusted_rand_score(known.obs["domain"], known.obs["scrcl"])
    assert together > 0.75
    separate = known.copy()
    for name in ("slice_0", "slice_1"):
        here = separate.obs["slice"] == name
        one = separate[here].copy()
        tl.domains(one, n_clusters=4)
        separate.obs.loc[here, "scrcl"] = one.obs["scrcl"]
    blind = known.copy()
    tl.domains(blind, n_clusters=4)  # not told that there are slices
    for other in (separate, blind):
        assert together > adjusted_rand_score(known.obs["domain"], other.obs["scrcl"]) + 0.2


def test_a_new_slice_is_encoded_by_a_saved_model(tissue: AnnData, two: tuple[AnnData, Path]) -> None:
    new = tissue[tissue.obs["slice"] == "slice_2"].copy()
    tl.apply(new, two[1], batch_key="slice")
    aligned = adjusted_rand_score(new.obs["domain"], new.obs["scrcl"])
    assert aligned > 0.8
    model = ScRCL.load(two[1])
    model._inputs = dataclasses.replace(model._inputs, alignment=None)
    unaligned = model.predict(new.X, genes=list(new.var_names), spatial=new.obsm["spatial"])
    assert adjusted_rand_score(new.obs["domain"], unaligned) < aligned - 0.1


def test_networks_see_the_tissue_at_two_scales_and_their_views_keep_their_lengths(two: tuple[AnnData, Path]) -> None:
    known, folder = two
    assert known.obsm["X_scrcl"].shape == (known.n_obs, 4 * 2 * 32)
    assert np.linalg.norm(known.obsm["X_scrcl"], axis=1).std() > 0.01
    assert ScRCL.load(folder)._reference.cell_x.shape == (known.n_obs, 2 * 30)
    assert known.varm["scrcl_genes"].any()
    assert known.uns["scrcl"]["params"]["spatial_steps"] == "1, 4"


@pytest.fixture(scope="module")
def slice_0(tissue: AnnData) -> AnnData:
    return tissue[tissue.obs["slice"] == "slice_0"].copy()


def test_the_unit_and_the_direction_of_the_positions_do_not_matter(slice_0: AnnData) -> None:
    turned = slice_0.copy()
    turned.obsm["spatial"] = 1000.0 * turned.obsm["spatial"][:, ::-1] - 77.0
    first, second = (tl.domains(adata, n_clusters=4, copy=True) for adata in (slice_0, turned))
    assert np.array_equal(first.obs["scrcl"], second.obs["scrcl"])


def test_what_the_counts_of_one_slice_were_scaled_to_does_not_matter(slice_0: AnnData) -> None:
    coordinates, domains = [], []
    for target in (1e3, 1e4):
        scaled = slice_0.copy()
        totals = np.asarray(scaled.X.sum(axis=1)).ravel()
        scaled.X = sp.csr_matrix(sp.diags_array(target / totals) @ scaled.X).log1p()
        model = ScRCL(4, preset="spatial")
        domains.append(model.fit_predict(scaled.X, spatial=scaled.obsm["spatial"], input_state="lognorm"))
        coordinates.append(model.graph_["cell"].x.numpy())
    np.testing.assert_allclose(coordinates[0], coordinates[1], atol=1e-3 * np.abs(coordinates[0]).max())
    assert adjusted_rand_score(*domains) > 0.95


def test_a_graph_of_squidpy_gives_what_the_same_graph_of_ours_gives(slice_0: AnnData) -> None:
    theirs = slice_0.copy()
    sq.gr.spatial_neighbors_delaunay(theirs)
    tl.domains(theirs, n_clusters=4, connectivities_key="spatial_connectivities")
    ours = tl.domains(slice_0, n_clusters=4, spatial_graph="delaunay", copy=True)
    assert np.array_equal(ours.obs["scrcl"], theirs.obs["scrcl"])


def test_the_vote_takes_islands_away(slice_0: AnnData) -> None:
    voted = tl.domains(slice_0, n_clusters=4, spatial_vote=True, copy=True)
    plain = tl.domains(slice_0, n_clusters=4, copy=True)
    edges = gr.spatial_neighbors(plain.obsm["spatial"]).tocoo()

    def borders(adata: AnnData) -> float:
        codes = adata.obs["scrcl"].cat.codes.to_numpy()
        return float((codes[edges.row] != codes[edges.col]).mean())

    assert borders(voted) < borders(plain)


def test_layers_change_what_is_clustered_and_the_gene_side(slice_0: AnnData) -> None:
    adata = slice_0.copy()
    tl.domains(adata, n_clusters=4)
    tl.domains(adata, n_clusters=4, layers={"cell-gene": "sage"}, key_added="mine")
    assert adata.uns["mine"]["params"]["layers"] == "cell-gene: sage"
    assert not np.allclose(adata.obsm["X_mine"], adata.obsm["X_scrcl"])
    assert not np.allclose(adata.varm["mine_genes"], adata.varm["scrcl_genes"])
    assert adjusted_rand_score(adata.obs["domain"], adata.obs["mine"]) > 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": {"cell-cell": "gcnn"}}, "unknown layer 'gcnn'"),
        ({"library_key": "section"}, r"no obs\['section'\]"),
        ({"spatial_graph": "hex"}, "unknown graph 'hex': choose one of delaunay, grid, knn, radius"),
        ({"spatial_graph": "radius"}, "needs radius="),
        ({"n_neighbors": 0}, "at least 1 spatial neighbour"),
        ({"connectivities_key": "graph"}, r"no obsp\['graph'\]"),
        ({"n_clusters": 1}, "n_clusters is 1"),
    ],
)
def test_bad_input_is_refused_and_nothing_written(slice_0: AnnData, options: dict[str, Any], message: str) -> None:
    adata = slice_0.copy()
    with pytest.raises(InputError, match=message):
        tl.domains(adata, **options)
    assert "scrcl" not in adata.obs


def test_a_graph_of_another_size_is_refused(slice_0: AnnData) -> None:
    with pytest.raises(InputError, match="the graph is 5 x 5, but there are 400 cells"):
        ScRCL(4, preset="spatial").fit(slice_0.X, spatial=sp.identity(5))
