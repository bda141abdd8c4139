from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from anndata import AnnData
from anndata.io import read_h5ad
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from scrcl_graph import InputError, get, pl, tl
from scrcl_graph._adata.colours import palette
from scrcl_graph.pl._shared import colour_bar
from scrcl_graph.presets import get_preset
from scrcl_graph.train import TrainingPlan

PLOTS = [getattr(pl, name) for name in pl.__all__]


@pytest.fixture
def quick_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two principal components of the embedding in place of a UMAP."""
    for room in ("clusters", "association"):
        monkeypatch.setattr(f"scrcl_graph.pl.{room}.umap_points", lambda embedding, seed: plane(embedding))


def plane(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    points: NDArray[np.float32] = PCA(2, svd_solver="full").fit_transform(embedding)
    return points


@pytest.fixture
def measured(associated: AnnData) -> AnnData:
    """``associated`` with domain statistics, PAGA and interactions; a fresh copy."""
    tl.domain_statistics(associated, n_permutations=20)
    tl.paga(associated)
    genes = associated.var_names
    pairs = pd.DataFrame({"ligand": genes[:6], "receptor": genes[6:12]})
    tl.ligand_receptor(associated, pairs=pairs)
    return associated


@pytest.mark.usefixtures("quick_umap")
@pytest.mark.parametrize("plot", PLOTS, ids=pl.__all__)
def test_each_plot_draws_on_the_axes_given_or_on_new_ones_and_changes_no_data(
    plot: Callable[..., Axes], measured: AnnData
) -> None:
    before = measured.copy()
    _, ax = plt.subplots()
    assert plot(measured, ax=ax) is ax
    new = plot(measured)
    assert isinstance(new, Axes)
    assert new is not ax
    for one in (ax, new):
        one.get_figure().canvas.draw()
    for slot in ("obs", "obsm", "var", "varm", "uns"):
        assert set(getattr(measured, slot)) == set(getattr(before, slot))


@pytest.mark.parametrize("plot", PLOTS, ids=pl.__all__)
def test_each_plot_asks_for_results_first(plot: Callable[..., Axes], planted: AnnData) -> None:
    with pytest.raises(
        InputError, match=r"under 'scrcl': run scrcl_graph\.tl\.(refine|domain_statistics|ligand_receptor)"
    ):
        plot(planted)
    assert not plt.get_fignums()  # no empty figure is left


def test_umap_draws_every_cell_with_types_apart(refined: AnnData) -> None:
    threads = torch.get_num_threads()
    ax = pl.umap(refined)
    assert torch.get_num_threads() == threads  # numba would change them for the whole process
    (dots,) = ax.collections
    points = np.asarray(dots.get_offsets())
    assert points.shape == (refined.n_obs, 2)
    assert sorted(text.get_text() for text in ax.texts) == ["0", "1", "2", "3"]
    sizes = sorted(refined.obs["scrcl"].value_counts())
    colours, counts = np.unique([to_hex(colour) for colour in dots.get_facecolors()], return_counts=True)
    assert sorted(counts) == sizes
    drawn = np.array([to_hex(colour) for colour in dots.get_facecolors()])
    centres = np.array([points[drawn == colour].mean(axis=0) for colour in colours])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    assert np.mean(colours[nearest] == drawn) > 0.95


@pytest.mark.usefixtures("quick_umap")
def test_umap_of_many_cells_shows_a_sample_and_says_so(refined: AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrcl_graph.pl.clusters.UMAP_CELLS", 50)
    ax = pl.umap(refined, color="cell_type")
    assert len(ax.collections[0].get_offsets()) == 50
    assert ax.get_title() == "UMAP by cell_type, 50 of 240 cells"


def test_spatial_shows_positions_with_the_origin_at_the_top(refined: AnnData) -> None:
    ax = pl.spatial(refined, color="domain")
    drawn = np.asarray(ax.collections[0].get_offsets())
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(refined.obsm["spatial"], axis=0), rtol=1e-6)
    assert ax.yaxis_inverted()
    assert ax.get_aspect() == 1
    del refined.obsm["spatial"]
    with pytest.raises(InputError, match=r"no obsm\['spatial'\]"):
        pl.spatial(refined)


def test_slices_have_panels_of_their_own_at_one_scale(refined: AnnData) -> None:
    refined.obs["slice"] = np.where(np.arange(refined.n_obs) % 2, "right", "left")
    refined.obsm["spatial"][::2, 0] *= 3
    ax = pl.spatial(refined, library_key="slice")
    assert {text.get_text() for text in ax.texts} == {"left", "right"}
    drawn = np.asarray(ax.collections[0].get_offsets())
    order = np.random.default_rng(0).permutation(refined.n_obs)  # as they are drawn
    places = {name: drawn[(refined.obs["slice"] == name).to_numpy()[order]] for name in ("left", "right")}
    for name, drawn_here in places.items():
        own = refined.obsm["spatial"][order][(refined.obs["slice"] == name).to_numpy()[order]]
        np.testing.assert_allclose(drawn_here - drawn_here.min(axis=0), own - own.min(axis=0), atol=1e-6)
    boxes = [(*p.min(axis=0), *p.max(axis=0)) for p in places.values()]
    (a, b, c, d), (e, f, g, h) = boxes
    assert c < e or g < a or d < f or h < b  # they do not overlap
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1", "2", "3"]


def test_the_image_of_a_slice_lies_below_its_spots_in_full_resolution_pixels(refined: AnnData) -> None:
    refined.obsm["spatial"] = refined.obsm["spatial"] * 1000
    image = {"images": {"hires": np.full((50, 60, 3), 0.5)}, "scalefactors": {"tissue_hires_scalef": 0.05}}
    refined.uns["spatial"] = {"slide_1": image}
    ax = pl.spatial(refined)
    assert ax.images[0].get_extent() == [0, 1200, 1000, 0]
    assert ax.yaxis_inverted()
    left, right = ax.get_xlim()
    assert right - left < 1200  # cut to the spots
    refined.obs["slice"] = "slide_2"  # no image of this one
    assert not pl.spatial(refined, library_key="slice").images
    refined.obs["slice"] = "slide_1"
    assert len(pl.spatial(refined, library_key="slice").images) == 1


def test_domains_are_drawn_in_tissue_order(measured: AnnData) -> None:
    found = measured.uns["scrcl_domain_statistics"]
    names, order = list(found["tissue_order"]), [list(found["domains"]).index(name) for name in found["tissue_order"]]
    heat = pl.enrichment(measured)
    assert [text.get_text() for text in heat.get_xticklabels()] == names
    np.testing.assert_allclose(heat.images[0].get_array(), found["enrichment"][np.ix_(order, order)])
    graph = pl.domain_graph(measured)
    assert [text.get_text() for text in graph.get_xticklabels()] == names
    lines = {(arc.center, arc.theta1): arc.get_linewidth() for arc in graph.patches}
    above = found["contacts"][np.ix_(order, order)].astype(float)
    np.fill_diagonal(above, 0)
    above /= np.sqrt(np.outer(above.sum(axis=1), above.sum(axis=1)))
    i, j = np.unravel_index(np.triu(above).argmax(), above.shape)
    assert lines[((i + j) / 2, 0.0), 0] == max(width for (_, start), width in lines.items() if start == 0)
    assert any(start == 180 for _, start in lines)  # PAGA
    del measured.uns["scrcl_paga"]
    assert not any(arc.theta1 == 180 for arc in pl.domain_graph(measured).patches)
    part = measured[measured.obs["scrcl"] != names[0]].copy()
    part.obs["scrcl"] = part.obs["scrcl"].cat.remove_unused_categories()
    dots = pl.domain_graph(part).collections[0].get_facecolors()  # a domain without cells is grey
    np.testing.assert_allclose(dots[0], (0.8, 0.8, 0.8, 1))
    assert len(np.unique(dots, axis=0)) == len(names)


def test_confusion_shows_shares_of_classes_with_matches_on_the_diagonal(refined: AnnData) -> None:
    refined.obs["scrcl"] = refined.obs["cell_type"].cat.rename_categories(["2", "0", "3", "1"])
    ax = pl.confusion(refined, annotation="cell_type")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["2", "0", "3", "1"]
    np.testing.assert_array_equal(ax.images[0].get_array(), np.eye(4))
    with pytest.raises(InputError, match=r"no obs\['layer'\]"):
        pl.confusion(refined, annotation="layer")
    refined.obs["layer"] = np.nan
    with pytest.raises(InputError, match=r"obs\['layer'\] has no value for any cell"):
        pl.confusion(refined, annotation="layer")


def test_cells_without_a_category_are_not_drawn(refined: AnnData) -> None:
    refined.obs["part"] = refined.obs["cell_type"].where(refined.obs["cell_type"] == "type_1")
    ax = pl.spatial(refined, color="part")
    assert len(ax.collections[0].get_offsets()) == (refined.obs["cell_type"] == "type_1").sum()


@pytest.mark.usefixtures("quick_umap")
@pytest.mark.parametrize("plot", [pl.umap, pl.spatial])
def test_numbers_have_a_colour_bar_and_an_empty_column_is_refused(plot: Callable[..., Axes], refined: AnnData) -> None:
    refined.obs["depth"] = np.where(np.arange(240) < 200, np.arange(240.0), np.nan)
    ax = plot(refined, color="depth")
    dots = ax.collections[0]
    np.testing.assert_array_equal(np.sort(dots.get_array()), np.arange(200))
    assert dots.colorbar is not None
    assert ax.get_legend() is None
    refined.obs["depth"] = np.nan
    with pytest.raises(InputError, match=r"obs\['depth'\] has no value for any cell"):
        plot(refined, color="depth")


@pytest.mark.usefixtures("quick_umap")
def test_clusters_keep_their_colours_in_a_part_of_the_cells_and_those_of_scanpy_are_taken(refined: AnnData) -> None:
    assert list(refined.uns["scrcl_colors"]) == palette(4)
    part = refined[refined.obs["scrcl"].isin(["1", "3"])].copy()
    drawn = {to_hex(colour) for colour in pl.umap(part).collections[0].get_facecolors()}
    assert drawn == {palette(4)[1], palette(4)[3]}
    refined.uns["cell_type_colors"] = ["#000000", "#ff0000", "#00ff00", "#0000ff"]
    drawn = {to_hex(colour) for colour in pl.spatial(refined, color="cell_type").collections[0].get_facecolors()}
    assert drawn == set(refined.uns["cell_type_colors"])


def test_positions_and_slices_are_those_of_the_run(refined: AnnData) -> None:
    refined.obsm["xy"] = refined.obsm.pop("spatial")
    refined.obs["slice"] = ["a", "b"] * 120
    refined.uns["scrcl"]["input"] |= {"spatial_key": "xy", "batch_key": "slice"}
    assert {text.get_text() for text in pl.spatial(refined).texts} == {"a", "b"}


def test_slices_and_categories_may_be_of_any_kind(refined: AnnData) -> None:
    refined.obs["day"] = pd.to_datetime(["2020-01-01", "2020-02-01"] * 120)
    refined.obs["dose"] = pd.Categorical(np.array([0.1, 0.5] * 120, np.float32))
    ax = pl.spatial(refined, color="dose", library_key="day")
    assert [text.get_text() for text in ax.texts] == ["2020-01-01", "2020-02-01"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0.1", "0.5"]
    assert len(ax.collections[0].get_offsets()) == 240


def test_many_names_have_several_columns_and_long_ones_are_cut(refined: AnnData) -> None:
    refined.obs["fine"] = [f"type {i % 30}" for i in range(239)] + ["a type with a name of many letters"]
    legend = pl.spatial(refined, color="fine").get_legend()
    texts = [text.get_text() for text in legend.get_texts()]
    assert len(texts) == 31
    assert legend._ncols == 3
    assert "a type with a name of many …" in texts


@pytest.mark.usefixtures("quick_umap")
@pytest.mark.parametrize("plot", [pl.umap, pl.spatial])
def test_an_unknown_column_is_named(plot: Callable[..., Axes], refined: AnnData) -> None:
    with pytest.raises(InputError, match="louvain"):
        plot(refined, color="louvain")


def test_loss_shows_each_objective_of_each_network_and_their_mean(refined: AnnData) -> None:
    ax = pl.loss(refined)
    runs = refined.uns["scrcl"]["history"]
    means = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    assert sorted(str(line.get_label()) for line in means) == sorted(runs["run_0"])
    assert len(ax.lines) == len(means) * (len(runs) + 1)
    for line in ax.lines:
        assert line.get_ydata()[0] == 1
        assert len(line.get_ydata()) == refined.uns["scrcl"]["params"]["epochs"]
    for line in means:
        shares = [run[line.get_label()] / run[line.get_label()][0] for run in runs.values()]
        np.testing.assert_allclose(line.get_ydata(), np.mean(shares, axis=0))


def test_loss_has_the_same_colours_after_a_file(refined: AnnData, tmp_path: Path) -> None:
    refined.write_h5ad(tmp_path / "refined.h5ad")
    drawn = [
        [(line.get_label(), line.get_color()) for line in pl.loss(adata).lines if line.get_linewidth() > 1]
        for adata in (refined, read_h5ad(tmp_path / "refined.h5ad"))
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0][0][0] == "total"


def test_k_curve_marks_the_chosen_number_and_is_refused_where_it_was_given(planted: AnnData, refined: AnnData) -> None:
    ax = pl.k_curve(refined)
    assert "chosen: 4" in [text.get_text() for text in ax.get_legend().get_texts()]
    refined.uns["scrcl"]["k_selection"]["others"] = np.array([2, 7])
    texts = [text.get_text() for text in pl.k_curve(refined).get_legend().get_texts()]
    assert texts[-2:] == ["nearly as good: 2", "nearly as good: 7"]
    refined.uns["scrcl"]["k_selection"]["spread"][:] = 2.0
    (bars,) = pl.k_curve(refined).collections
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    assert ends.min() == 0  # an overlap lies between 0 and 1
    assert ends.max() == 1
    quick = dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=2))
    tl.refine(planted, n_clusters=4, preset=quick)
    with pytest.raises(InputError, match="number of clusters of 'scrcl' was given"):
        pl.k_curve(planted)


def test_heatmap_and_dots_show_the_top_genes_of_each_cluster_in_every_cluster(associated: AnnData) -> None:
    ax, dots = pl.association_heatmap(associated, n_genes=3), pl.association_dotplot(associated, n_genes=3)
    table = get.associations(associated)
    genes = [text.get_text() for text in ax.get_xticklabels()]
    assert genes == [text.get_text() for text in dots.get_xticklabels()]
    assert set(genes) == set(table.groupby("group", observed=True).head(3)["gene"])
    groups = [text.get_text() for text in ax.get_yticklabels()]
    assert groups == ["0", "1", "2", "3"]
    shown = np.asarray(ax.images[0].get_array())
    table = table.set_index(["group", "gene"])
    wanted = [[table.loc[(group, gene), "score"] for gene in genes] for group in groups]
    np.testing.assert_allclose(shown, wanted, rtol=1e-5)
    low, high = ax.images[0].get_clim()
    assert -low == high == pytest.approx(np.quantile(np.abs(shown), 0.95))
    effect = [table.loc[(group, gene), "effect"] for group in groups for gene in genes]
    np.testing.assert_allclose(np.asarray(dots.collections[0].get_array()), effect)
    sizes = [110 * table.loc[(group, gene), "fraction"] for group in groups for gene in genes]
    np.testing.assert_allclose(dots.collections[0].get_sizes(), sizes)


@pytest.mark.usefixtures("quick_umap")
def test_a_gene_lies_among_the_cells_of_its_cluster(associated: AnnData) -> None:
    ax = pl.joint_umap(associated, n_genes=2)
    cells, genes = (np.asarray(part.get_offsets()) for part in ax.collections)
    assert len(cells) == associated.n_obs
    table = get.associations(associated, n_genes=2)
    names = ax.texts[4:]
    assert sorted(text.get_text() for text in names) == sorted(table["gene"])
    ax.get_figure().canvas.draw()
    boxes = [Text.get_window_extent(text) for text in names]  # that of an annotation has its line too
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    shades = associated.uns["scrcl_colors"]
    drawn = [to_hex(colour) for colour in ax.collections[1].get_facecolors()]
    assert drawn == [shades[int(group)] for group in table["group"]]
    points = plane(associated.obsm["X_scrcl"])
    centres = {g: points[(associated.obs["scrcl"] == g).to_numpy()].mean(axis=0) for g in ("0", "1", "2", "3")}
    for i, at in enumerate(genes):
        assert min(centres, key=lambda g: np.linalg.norm(centres[g] - at)) == str(i // 2)


def test_every_pair_that_is_drawn_has_a_call_and_the_title_counts_them(measured: AnnData) -> None:
    table = measured.uns["scrcl_ligand_receptor"]["table"]
    table["padj"] = np.where(np.arange(len(table)) % 3 == 0, 0.01, 1.0)
    ax = pl.ligand_receptor_dotplot(measured, n_pairs=4, n_contacts=2)
    dots = ax.collections[0]
    ringed = dots.get_edgecolors()[:, 3] > 0
    assert len(ax.get_yticklabels()) <= 4
    assert set(dots.get_offsets()[ringed][:, 1]) == set(range(len(ax.get_yticklabels())))
    assert set(dots.get_offsets()[ringed][:, 0]) == set(range(len(ax.get_xticklabels())))
    assert f"({ringed.sum()} of {(table['padj'] < 1).sum()} calls)" in ax.get_title()


@pytest.mark.parametrize(
    ("limits", "extend"), [((0, 2), "neither"), ((1, 2), "min"), ((0, 1), "max"), ((0.5, 1.5), "both")]
)
def test_a_colour_bar_has_arrows_where_values_lie_beyond_its_ends(limits: tuple[float, float], extend: str) -> None:
    ax = plt.figure().add_subplot()
    drawn = ax.scatter(range(4), range(4), c=[0, 1, 2, np.nan], vmin=limits[0], vmax=limits[1])
    colour_bar(ax, drawn, "")
    assert drawn.colorbar.extend == extend


def test_a_value_that_rounds_to_zero_has_no_sign(associated: AnnData) -> None:
    associated.varm["scrcl_associations_score"].iloc[:] = -0.01
    assert {text.get_text() for text in pl.association_heatmap(associated, n_genes=1).texts} == {"0.0"}


def test_module_rows_are_named_by_their_genes(associated: AnnData) -> None:
    ax = pl.module_heatmap(associated, groupby="cell_type", n_genes=2)
    first = get.modules(associated)["gene"].head(2)
    assert ax.get_yticklabels()[0].get_text() == f"0: {first[0]}, {first[1]}"
    np.testing.assert_allclose(ax.images[0].get_array(), get.module_scores(associated, groupby="cell_type"), rtol=1e-5)


def test_a_network_without_raised_genes_is_refused(associated: AnnData) -> None:
    associated.varm["scrcl_associations_padj"].iloc[:] = 1.0
    with pytest.raises(InputError, match="no gene is raised"):
        pl.association_network(associated)


def test_the_parts_of_a_network_lie_side_by_side_in_rows(associated: AnnData) -> None:
    graph = get.association_network(associated, n_genes=6)
    parts = list(nx.connected_components(graph))
    assert len(parts) > 2
    texts = {text.get_text(): text.get_position() for text in pl.association_network(associated).texts}
    boxes = []
    for part in parts:
        at = np.array([texts[node.removeprefix("group ")] for node in part])
        boxes.append((at.min(axis=0), at.max(axis=0)))
    assert all(
        (one[1] < other[0]).any() or (other[1] < one[0]).any() for one, other in itertools.combinations(boxes, 2)
    )
    tops = {round(float(high[1] + low[1]), 6) for low, high in boxes}
    assert 1 < len(tops) < len(parts)


def test_a_group_without_raised_genes_shifts_no_colour_of_the_network(associated: AnnData) -> None:
    padj = associated.varm["scrcl_associations_padj"]
    padj[padj.columns[0]] = 1.0
    drawn = pl.association_network(associated)
    (groups,) = (part for part in drawn.collections if isinstance(part, PathCollection))
    assert [to_hex(colour) for colour in groups.get_facecolor()] == palette(padj.shape[1])[1:]


@pytest.mark.usefixtures("quick_umap")
def test_a_part_of_the_cells_keeps_the_associations_of_all(associated: AnnData) -> None:
    part = associated[associated.obs["scrcl"] == "1"].copy()
    (groups,) = (one for one in pl.association_network(part).collections if isinstance(one, PathCollection))
    shades = [to_hex(colour) for colour in groups.get_facecolor()]
    assert shades == [palette(2)[1] if i == 1 else to_hex("0.8") for i in range(4)]
    ax = pl.joint_umap(part, n_genes=2)
    own = get.associations(associated, n_genes=2).query("group == '1'")["gene"]
    assert sorted(text.get_text() for text in ax.texts[1:]) == sorted(own)


def test_cells_without_a_slice_are_refused(associated: AnnData) -> None:
    associated.obs["slice"] = pd.Categorical(["a", None] * (associated.n_obs // 2))
    with pytest.raises(InputError, match=r"obs\['slice'\] is missing for 120 cells"):
        pl.spatial(associated, library_key="slice")


def test_associations_that_lost_their_tables_are_said(associated: AnnData) -> None:
    del associated.varm["scrcl_associations_score"]
    with pytest.raises(InputError, match=r"run scrcl_graph\.tl\.associations again"):
        pl.association_heatmap(associated)
