from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from anndata import AnnData
from anndata.io import read_h5ad
from scipy.spatial.distance import cdist

from scrcl_graph import InputError, datasets, get, metrics, tl
from scrcl_graph.gr import spatial_neighbors


@pytest.fixture
def tissue() -> AnnData:
    """Two slices of four layers, as planted and not clustered."""
    adata = datasets.synthetic_tissue(150, 100, n_slices=2, seed=1)
    adata.obs["scrcl"] = adata.obs["domain"].cat.rename_categories(["c", "a", "d", "b"])  # layers c, a, d, b
    return adata


def test_contacts_are_the_edges_between_domains_and_layers_touch_in_order(tissue: AnnData) -> None:
    threads = torch.get_num_threads()
    before = tissue.copy()
    tl.domain_statistics(tissue, library_key="slice", n_permutations=50)
    assert torch.get_num_threads() == threads  # numba would change them for the whole process
    found = tissue.uns["scrcl_domain_statistics"]
    assert list(found["domains"]) == ["c", "a", "d", "b"]
    assert list(found["tissue_order"]) == ["c", "a", "d", "b"]
    graph = spatial_neighbors(tissue.obsm["spatial"], library=tissue.obs["slice"])
    one_hot = np.eye(4)[tissue.obs["scrcl"].cat.codes]
    assert np.array_equal(found["contacts"], one_hot.T @ graph @ one_hot)
    z = found["enrichment"]
    assert (np.diag(z) > 5).all()
    assert (z[~np.eye(4, dtype=bool)] < 0).all()
    assert found["chaos"] == metrics.chaos(
        tissue.obsm["spatial"], tissue.obs["scrcl"].astype(str), library=tissue.obs["slice"]
    )
    assert found["pas"] < 0.1
    assert set(tissue.uns) - set(before.uns) == {"scrcl_domain_statistics"}
    assert list(tissue.obs) == list(before.obs)
    assert not tissue.obsp


def test_cooccurrence_equals_brute_force_and_slices_do_not_meet(
    tissue: AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tissue.obs["slice"] == "slice_1"
    tissue.obsm["spatial"][own] = tissue.obsm["spatial"][~own] + np.float32(0.001)  # one slice on the other
    tl.domain_statistics(tissue, library_key="slice", n_permutations=2)
    found = tissue.uns["scrcl_domain_statistics"]
    xy, codes = tissue.obsm["spatial"], tissue.obs["scrcl"].cat.codes.to_numpy()
    near = cdist(xy, xy) <= found["distance"][3]
    near &= (own.to_numpy()[:, None] == own.to_numpy()) & ~np.eye(300, dtype=bool)
    pairs = np.eye(4)[codes].T @ near @ np.eye(4)[codes]
    expected = (pairs / pairs.sum(axis=0)) / (pairs.sum(axis=1) / pairs.sum())[:, None]
    np.testing.assert_allclose(found["co_occurrence"][:, :, 3], expected, rtol=0.02, atol=0.02)
    assert found["co_occurrence"].shape == (4, 4, len(found["distance"]))
    # of many cells a sample is taken, which may miss a domain
    monkeypatch.setattr(sys.modules["scrcl_graph.tl.domain_statistics"], "_CO_OCCURRENCE_CELLS", 3)
    tl.domain_statistics(tissue, library_key="slice", n_permutations=2)
    assert np.isnan(tissue.uns["scrcl_domain_statistics"]["co_occurrence"]).any()


def test_cells_without_a_domain_and_unused_names_are_left_out(tissue: AnnData) -> None:
    whole = tissue[tissue.obs["scrcl"] != "b"].copy()
    tissue.obs["part"] = tissue.obs["scrcl"].where(tissue.obs["scrcl"] != "b")
    tl.domain_statistics(tissue, groupby="part", library_key="slice", n_permutations=20)
    tl.domain_statistics(whole, library_key="slice", n_permutations=20)
    one, other = tissue.uns["scrcl_domain_statistics"], whole.uns["scrcl_domain_statistics"]
    assert one["groupby"] == "part"
    for name in ("contacts", "enrichment", "co_occurrence", "chaos", "pas"):
        np.testing.assert_array_equal(one[name], other[name])
    assert list(one["domains"]) == ["c", "a", "d"]


def test_statistics_can_be_written_and_the_seed_decides(tissue: AnnData, tmp_path: Path) -> None:
    again, other = tissue.copy(), tissue.copy()
    for adata, seed in ((tissue, 0), (again, 0), (other, 1)):
        tl.domain_statistics(adata, n_permutations=20, random_state=seed)
    first, second, third = (adata.uns["scrcl_domain_statistics"]["enrichment"] for adata in (tissue, again, other))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)
    tissue.write_h5ad(tmp_path / "tissue.h5ad")
    read = read_h5ad(tmp_path / "tissue.h5ad").uns["scrcl_domain_statistics"]
    assert list(read["tissue_order"]) == list(tissue.uns["scrcl_domain_statistics"]["tissue_order"])
    np.testing.assert_array_equal(read["contacts"], tissue.uns["scrcl_domain_statistics"]["contacts"])


def test_what_statistics_cannot_use_is_refused(tissue: AnnData) -> None:
    with pytest.raises(InputError, match=r"no obs\['louvain'\]"):
        tl.domain_statistics(tissue, groupby="louvain")
    with pytest.raises(InputError, match=r"no obsm\['pixels'\]"):
        tl.domain_statistics(tissue, spatial_key="pixels")
    tissue.obs["one"] = "all"
    with pytest.raises(InputError, match=r"obs\['one'\] has 1 domain"):
        tl.domain_statistics(tissue, groupby="one")
    assert not tissue.uns


@pytest.mark.parametrize("option", ["n_neighbors", "n_permutations"])
def test_none_of_what_is_counted_is_refused(planted: AnnData, option: str) -> None:
    with pytest.raises(InputError, match=f"{option} is 0, but must be at least 1"):
        tl.domain_statistics(planted, groupby="domain", **{option: 0})  # type: ignore[arg-type]


def test_positions_and_slices_are_those_of_the_run_where_none_are_named(refined: AnnData) -> None:
    refined.obsm["xy"] = refined.obsm.pop("spatial")
    refined.obs["slice"] = ["a", "b"] * 120
    refined.uns["scrcl"]["input"] |= {"spatial_key": "xy", "batch_key": "slice"}
    tl.associations(refined)
    found = []
    for named in ({}, {"spatial_key": "xy", "library_key": "slice"}):
        tl.domain_statistics(refined, n_permutations=2, **named)
        found.append((refined.uns["scrcl_domain_statistics"], get.spatial_genes(refined, n_genes=2, **named)))
    (recorded, genes), (named_ones, named_genes) = found
    assert recorded["library_key"] == "slice"
    np.testing.assert_array_equal(recorded["contacts"], named_ones["contacts"])
    pd.testing.assert_frame_equal(genes, named_genes)
    del refined.obs["slice"]
    with pytest.raises(InputError, match=r"named by obs\['slice'\], which is not there: pass library_key"):
        tl.domain_statistics(refined)
