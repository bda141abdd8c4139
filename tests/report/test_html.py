from __future__ import annotations

import base64
import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import anndata
import matplotlib.pyplot as plt
import numpy as np
import pytest
from anndata import AnnData
from matplotlib.axes import Axes
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError, get, gr, pl, tl
from scrcl_graph.presets import get_preset
from scrcl_graph.report import write_report
from scrcl_graph.train import TrainingPlan


class Page(HTMLParser):
    """Tags with their attributes, and the text of each table row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.rows[-1][-1] += data.strip()


@pytest.fixture(autouse=True)
def _quick_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrcl_graph.pl.clusters.umap_points", lambda embedding, seed: np.asarray(embedding)[:, :2])


def report(adata: AnnData, folder: Path, **options: str) -> str:
    write_report(adata, folder / "report.html", **options)
    assert [file.name for file in folder.glob("*.html")] == ["report.html"]
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_from_outside_and_runs_nothing(associated: AnnData, tmp_path: Path) -> None:
    text = report(associated, tmp_path)
    assert not re.search(r"https?://|<script|@import|url\(", text)
    page = Page(text)
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    assert len(sources) == 6  # UMAP, associations twice, modules, loss, choice of k
    for source in sources:
        assert source is not None
        assert base64.b64decode(source.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert not {"href", "onload", "onclick"} & {name for _, attributes in page.tags for name in attributes}
    assert not plt.get_fignums()


def test_every_cluster_is_listed_with_its_size_and_genes(associated: AnnData, tmp_path: Path) -> None:
    rows = {row[0]: row for row in Page(report(associated, tmp_path)).rows if row}
    for name, size in associated.obs["scrcl"].value_counts().items():
        assert rows[name][1] == str(size)
        assert rows[name][2] == f"{100 * size / associated.n_obs:.1f} %"
        best = get.associations(associated).query("group == @name")["gene"].iloc[0]
        assert rows[name][3].startswith(best)


def test_only_raised_genes_are_listed(associated: AnnData, tmp_path: Path) -> None:
    padj = associated.varm["scrcl_associations_padj"]
    padj["0"] = 1.0
    padj.loc[padj.index[20:], "1"] = 1.0
    rows = {row[0]: row for row in Page(report(associated, tmp_path)).rows if row}
    assert rows["0"][3] == "none at a false discovery rate of 5 %"
    raised = get.associations(associated, max_padj=0.05).query("group == '1'").head(8)
    assert rows["1"][3] == ", ".join(f"{row.gene}{row.effect:.1f}" for row in raised.itertuples())


def test_how_it_was_run_is_told(associated: AnnData, tmp_path: Path) -> None:
    text = report(associated, tmp_path)
    rows = {row[0]: row[1] for row in Page(text).rows if len(row) == 2}
    summary = associated.uns["scrcl"]
    assert rows["random_state"] == "0"
    assert rows["name"] == "default"
    assert rows["torch"] == summary["versions"]["torch"]
    assert "240 cells in 4 clusters" in text
    assert re.search(r"chosen by the curve below\.\s", text)
    summary["k_selection"]["others"] = np.array([2, 9])
    assert "chosen by the curve below; 2, 9 would be found again nearly as well." in report(associated, tmp_path)


def test_names_from_the_data_are_escaped(associated: AnnData, tmp_path: Path) -> None:
    associated.var_names = [f"<b onclick=x>{name}</b>&" for name in associated.var_names]
    text = report(associated, tmp_path, title="<script>alert(1)</script>")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert not any(tag == "b" for tag, _ in Page(text).tags)
    assert "&lt;b onclick=x&gt;gene_" in text


def test_results_read_back_from_h5ad_give_the_same_page(associated: AnnData, tmp_path: Path) -> None:
    associated.write_h5ad(tmp_path / "refined.h5ad")
    tables = [
        Page(report(adata, tmp_path)).rows for adata in (associated, anndata.read_h5ad(tmp_path / "refined.h5ad"))
    ]
    assert sorted(tables[0]) == sorted(tables[1])  # h5ad sorts the keys of a dictionary


def test_a_given_number_of_clusters_and_a_tissue_change_what_is_shown(planted: AnnData, tmp_path: Path) -> None:
    quick = dataclasses.replace(get_preset("spatial"), n_runs=1, plan=TrainingPlan(epochs=2))
    tl.refine(planted, n_clusters=3, preset=quick, key_added="domains")
    tl.associations(planted, key="domains")
    text = report(planted, tmp_path, key="domains")
    assert "was\n  given" in text
    assert "Clusters on the tissue." in text
    assert "chosen k" not in text


def test_each_slice_has_a_panel_at_its_own_positions(
    planted: AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.obsm["xy"] = planted.obsm.pop("spatial")
    planted.obs["slice"] = ["a", "b"] * 120
    quick = dataclasses.replace(get_preset("spatial"), n_runs=1, plan=TrainingPlan(epochs=2))
    tl.refine(planted, n_clusters=3, preset=quick, spatial_key="xy", batch_key="slice")
    tl.associations(planted)
    tl.domain_statistics(planted, n_permutations=2)
    drawn: list[Axes] = []
    draw = pl.spatial

    def kept(adata: AnnData, **options: str) -> Axes:
        drawn.append(draw(adata, **options))  # type: ignore[arg-type]
        return drawn[-1]

    monkeypatch.setattr(pl, "spatial", kept)
    text = report(planted, tmp_path)
    assert {text.get_text() for text in drawn[0].texts} == {"a", "b"}
    assert "<code>obsm['xy']</code>" in text
    assert "<code>obs['slice']</code>" in text
    assert f"{100 * planted.uns['scrcl_domain_statistics']['pas']:.1f} % of the cells lie among" in text
    assert "all 160 genes used" in text


def test_what_is_not_of_these_cells_is_left_out_or_refused(
    associated: AnnData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tl.domain_statistics(associated, n_permutations=2)
    assert "In the tissue" in report(associated, tmp_path)
    part = associated[20:].copy()
    with pytest.raises(InputError, match="the associations of 'scrcl' are of other cells"):
        report(part, tmp_path)
    tl.associations(part)
    assert "In the tissue" not in report(part, tmp_path)
    assert "of the tissue are of other cells" in caplog.text
    tl.domain_statistics(associated, groupby="domain", n_permutations=2)
    assert "In the tissue" not in report(associated, tmp_path)
    assert "of the tissue are of obs['domain']" in caplog.text


def test_what_was_read_is_told_also_where_it_is_gone(planted: AnnData, tmp_path: Path) -> None:
    planted.raw = planted.copy()
    planted = planted[:, :100].copy()
    quick = dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=2))
    tl.refine(planted, n_clusters=3, preset=quick, layer="raw")
    tl.associations(planted)
    planted.raw = None
    assert "<code>raw.X</code>" in report(planted, tmp_path)
    assert "all 160 genes used" in report(planted, tmp_path)


def test_a_spatial_graph_that_was_given_is_told(planted: AnnData, tmp_path: Path) -> None:
    planted.obsp["mine"] = gr.spatial_neighbors(planted.obsm["spatial"])
    quick = dataclasses.replace(get_preset("spatial"), n_runs=1, plan=TrainingPlan(epochs=2))
    tl.refine(planted, n_clusters=3, preset=quick, connectivities_key="mine")
    tl.associations(planted)
    text = report(planted, tmp_path)
    assert "The spatial graph is <code>obsp['mine']</code>" in text
    assert "Positions are from" not in text
    assert "Clusters on the tissue." in text


def test_many_clusters_have_fewer_genes_each_in_the_figures(
    associated: AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = {}
    draw = pl.association_dotplot

    def counted(adata: AnnData, *, n_genes: int, key: str) -> Axes:
        drawn[adata.uns[key]["n_clusters"]] = n_genes
        return draw(adata, n_genes=n_genes, key=key)

    monkeypatch.setattr(pl, "association_dotplot", counted)
    for n in (4, 15, 50):
        associated.uns["scrcl"]["n_clusters"] = n
        report(associated, tmp_path)
    assert drawn == {4: 4, 15: 2, 50: 1}


def test_clusters_are_compared_with_an_annotation_of_some_cells(associated: AnnData, tmp_path: Path) -> None:
    assert "Agreement" not in report(associated, tmp_path)
    associated.obs["known"] = associated.obs["cell_type"].where(np.arange(240) < 100)
    text = report(associated, tmp_path, annotation="known")
    known = associated.obs[:100]
    ari = adjusted_rand_score(known["cell_type"], known["scrcl"])
    assert "Of the 100 cells that have a value" in text
    assert f"ARI {ari:.2f}," in text
    assert "the method has not seen the classes." in text
    associated.obs["known"] = np.nan
    with pytest.raises(InputError, match=r"obs\['known'\] has no value for any cell"):
        report(associated, tmp_path, annotation="known")


def test_nothing_is_written_without_results_or_folder(planted: AnnData, associated: AnnData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no results under 'scrcl'"):
        write_report(planted, tmp_path / "report.html")
    with pytest.raises(InputError, match=r"folder .*nowhere does not exist"):
        write_report(associated, tmp_path / "nowhere" / "report.html")
    assert not list(tmp_path.iterdir())
