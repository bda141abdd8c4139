from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from anndata import AnnData
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.pairwise import cosine_similarity

from scrcl_graph import InputError, ScRCL, datasets, gr
from scrcl_graph.cluster import SphericalKMeans, choose_k
from scrcl_graph.model.reference import Cells
from scrcl_graph.nn.ops import csr_from_edges
from scrcl_graph.objectives import Batch, NeighbourhoodContrast
from scrcl_graph.presets import Preset, get_preset
from scrcl_graph.train import TrainingPlan

QUICK = dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=5))


def small_paper() -> Preset:
    paper = get_preset("paper")
    return dataclasses.replace(paper, hidden_dim=64, plan=dataclasses.replace(paper.plan, epochs=20, lr=1e-3))


def test_planted_types_are_recovered_with_the_number_given(planted: AnnData, fitted: ScRCL) -> None:
    assert adjusted_rand_score(planted.obs["cell_type"], fitted.labels_) > 0.9
    assert fitted.n_clusters_ == 4
    assert fitted.k_selection_ is None


def test_planted_types_and_their_number_are_recovered_without_it(planted: AnnData) -> None:
    model = ScRCL().fit(planted.X)
    assert model.n_clusters_ == 4
    assert model.k_selection_ is not None
    assert model.k_selection_.k == 4
    assert adjusted_rand_score(planted.obs["cell_type"], model.labels_) > 0.9


def test_what_was_learned_has_the_documented_form(planted: AnnData, fitted: ScRCL) -> None:
    assert fitted.labels_.dtype == np.int64
    sizes = np.bincount(fitted.labels_)
    assert (np.diff(sizes) <= 0).all()  # 0 is the largest cluster
    assert fitted.embedding_.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(fitted.embedding_, axis=1), 1, rtol=1e-5)
    assert set(fitted.genes_) <= set(planted.var_names)
    assert fitted.graph_["cell"].num_nodes == planted.n_obs
    assert fitted.graph_["gene"].num_nodes == len(fitted.genes_)
    assert all(history["total"][-1] < history["total"][0] for history in fitted.history_)


def test_few_cells_are_described_by_few_dimensions_and_neighbours(planted: AnnData) -> None:
    preset = dataclasses.replace(QUICK, clusterer="kmeans")
    model = ScRCL(3, preset=preset).fit(planted.X[:64])
    assert model.graph_["cell"].x.shape == (64, 2 * 12)
    fewest = np.bincount(model.graph_["cell", "similar_to", "cell"].edge_index[0]).min()
    assert fewest == 8
    assert np.array_equal(model.labels_, ScRCL(3, preset=preset.suited(64)).fit(planted.X[:64]).labels_)


def test_a_clusterer_that_asks_for_it_gets_the_spatial_graph(planted: AnnData) -> None:
    got: list[sp.csr_matrix | None] = []

    def clusterer(n_clusters: int, connectivity: sp.csr_matrix | None) -> KMeans:
        got.append(connectivity)
        return KMeans(n_clusters)

    positions = np.random.default_rng(0).random((planted.n_obs, 2))
    for name in ("spatial", "default"):
        preset = dataclasses.replace(get_preset(name), clusterer=clusterer, n_runs=1, plan=TrainingPlan(epochs=1))
        ScRCL(4, preset=preset).fit(planted.X, spatial=positions)
    assert (got[0] != gr.spatial_neighbors(positions)).nnz == 0
    assert got[1] is None


def test_same_seed_gives_the_same_bits_and_another_seed_does_not(
    planted: AnnData, fitted: ScRCL, one_run: Preset
) -> None:
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002  global state is what must not matter
    again = ScRCL(4, preset=one_run, random_state=1).fit(planted.X, genes=planted.var_names)
    assert np.array_equal(again.labels_, fitted.labels_)
    assert again.embedding_.tobytes() == fitted.embedding_.tobytes()
    other = ScRCL(4, preset=one_run, random_state=2).fit(planted.X)
    assert other.embedding_.tobytes() != fitted.embedding_.tobytes()


def test_runs_of_neighbouring_seeds_share_no_network(planted: AnnData) -> None:
    preset = dataclasses.replace(QUICK, n_runs=2, plan=TrainingPlan(epochs=1), clusterer="kmeans")
    models = [ScRCL(4, preset=preset, random_state=seed).fit(planted.X) for seed in (0, 1)]
    losses = sorted(history["total"][0] for model in models for history in model.history_)
    assert np.diff(losses).min() > 1e-4 * losses[0]


def test_global_random_states_are_left_alone(planted: AnnData) -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    ScRCL(preset=QUICK).fit(planted.X)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_permuting_cells_permutes_labels(planted: AnnData, fitted: ScRCL, one_run: Preset) -> None:
    order = np.random.default_rng(0).permutation(planted.n_obs)
    labels = ScRCL(4, preset=one_run, random_state=1).fit_predict(planted.X[order])
    assert adjusted_rand_score(fitted.labels_[order], labels) > 0.95


def test_permuting_genes_with_their_names_keeps_the_partition(planted: AnnData, fitted: ScRCL, one_run: Preset) -> None:
    order = np.random.default_rng(1).permutation(planted.n_vars)
    model = ScRCL(4, preset=one_run, random_state=1).fit(planted.X[:, order], genes=planted.var_names[order])
    assert adjusted_rand_score(fitted.labels_, model.labels_) > 0.95
    assert set(model.genes_) == set(fitted.genes_)


def test_log_normalised_input_gives_about_the_partition_of_counts(
    planted: AnnData, fitted: ScRCL, one_run: Preset, tmp_path: Path
) -> None:
    share = planted.X.multiply(1 / planted.X.sum(axis=1)).tocsr()
    model = ScRCL(4, preset=one_run, random_state=1).fit(np.log1p(1e4 * share))
    assert (fitted.input_state_, model.input_state_) == ("counts", "lognorm")
    assert adjusted_rand_score(fitted.labels_, model.labels_) > 0.95
    base_two = np.log1p(1e4 * share) / np.log(2)
    again = ScRCL(4, preset=one_run, random_state=1).fit(base_two)
    np.testing.assert_array_equal(again.labels_, model.labels_)
    embedded = model.transform(np.log1p(1e4 * share))
    np.testing.assert_allclose(model.transform(base_two), embedded, atol=1e-4)
    again.save(tmp_path / "model")  # of one cell the base cannot be told: it is that of the model
    np.testing.assert_allclose(ScRCL.load(tmp_path / "model").transform(base_two[:1]), embedded[:1], atol=1e-4)


def test_dense_and_other_sparse_formats_give_the_same_bits_as_csr(planted: AnnData) -> None:
    X = planted.X
    wanted = ScRCL(4, preset=QUICK).fit(X).embedding_
    for other in (X.toarray().astype(np.int64), X.tocsc(), sp.csr_array(X)):
        np.testing.assert_array_equal(ScRCL(4, preset=QUICK).fit(other).embedding_, wanted)


def test_the_input_is_not_changed(planted: AnnData) -> None:
    X = planted.X.copy()
    X.data[:5] = 0  # explicit zeros, which are dropped on the way in
    before = X.copy()
    ScRCL(4, preset=QUICK).fit(X)
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(X, part), getattr(before, part))


REFUSED: list[tuple[Callable[..., Any], str]] = [
    (lambda X: (X, {"n_clusters": 1}), "n_clusters is 1, but must be at least 2"),
    (lambda X: (X, {"n_clusters": 240}), "n_clusters is 240.* less than the 240 cells"),
    (lambda X: (X, {"random_state": -1}), "the seed is -1"),
    (lambda X: (X, {"genes": ["same"] * 160}), "'same' occurs more than once.*var_names_make_unique"),
    (lambda X: (X, {"genes": ["a", "b"]}), "160 genes in the matrix and 2 gene names"),
    (lambda X: (np.where(X > 3, np.nan, X), {}), "NaN or infinite"),
    (lambda X: (X - 1.0, {}), "negative values, as after scaling"),
    (lambda X: (X - 1.0, {"input_state": "lognorm"}), "negative values"),
    (lambda X: (0 * X, {}), "only zeros"),
    (lambda X: (0 * X, {"input_state": "counts"}), "only zeros"),
    (lambda X: (X[:1], {}), "1 x 160: at least 2"),
    (lambda X: (np.ones_like(X), {}), "same|vary"),
    (lambda X: (np.full(X.shape, "many"), {}), "numeric cells x genes matrix"),
    (lambda X: (X, {"input_state": "raw"}), "'raw'.*counts"),
    (lambda X: (X, {"preset": "fast"}), "unknown preset 'fast'.*default, spatial, paper"),
    (lambda X: (X, {"device": "abacus"}), "device 'abacus' cannot be used"),
    (lambda X: (X, {"rep": np.ones((5, 3))}), "one row for each of the 240 cells"),
    (lambda X: (X, {"preset": "spatial", "spatial": np.ones((5, 2))}), "240 cells.* 5 "),
    (lambda X: (X, {"preset": "spatial", "spatial": np.full((240, 2), np.nan)}), "coordinates must be finite"),
    (lambda X: (X, {"preset": "paper", "rep": np.ones((240, 3))}), "'paper' starts from raw counts"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_unusable_input_is_refused(planted: AnnData, change: Callable[..., Any], message: str) -> None:
    X, options = change(planted.X.toarray())
    settings = {
        name: options.pop(name) for name in ("n_clusters", "preset", "random_state", "device") if name in options
    }
    with pytest.raises(InputError, match=message):
        ScRCL(**{"n_clusters": 4, "preset": QUICK, **settings}).fit(X, **options)


def test_a_model_that_is_not_fitted_says_so(planted: AnnData) -> None:
    with pytest.raises(InputError, match="not fitted yet: call fit first"):
        ScRCL(4).predict(planted.X)


def test_a_cell_without_counts_gets_a_label_and_spoils_nothing(planted: AnnData, one_run: Preset) -> None:
    X = planted.X.toarray()
    X[17] = 0
    model = ScRCL(4, preset=one_run).fit(X)
    assert np.isfinite(model.embedding_).all()
    assert model.labels_[17] in range(4)
    others = np.arange(len(X)) != 17
    assert adjusted_rand_score(planted.obs["cell_type"][others], model.labels_[others]) > 0.9


def test_coordinates_given_by_the_user_are_what_decides(one_run: Preset) -> None:
    rng = np.random.default_rng(0)
    noise = datasets.plant(240, 150, 4, fold=1.0, density=0.2)  # expression without any type
    truth = rng.integers(4, size=240)
    rep = 4 * np.eye(4, 10)[truth] + rng.standard_normal((240, 10))
    labels = ScRCL(4, preset=one_run).fit_predict(noise.counts, rep=rep)
    assert adjusted_rand_score(truth, labels) > 0.9


def test_edges_of_a_prior_network_join_the_gene_graph(planted: AnnData) -> None:
    prior = pd.DataFrame({"source": ["gene_0", "gene_1", "gene_2"], "target": ["gene_50", "gene_51", "not_here"]})
    prior["weight"] = [3.0, -2.0, 1.0]
    model = ScRCL(4, preset=QUICK).fit(planted.X, genes=planted.var_names, prior=prior)
    edges = model.graph_[gr.COEXPRESSED]
    graph = csr_from_edges(edges.edge_index, edges.edge_weight)
    at = model.genes_.index
    assert graph[at("gene_0"), at("gene_50")] == graph[at("gene_50"), at("gene_0")] == 3
    assert graph[at("gene_1"), at("gene_51")] == -2
    assert abs(graph).max() == 3
    with pytest.raises(InputError, match="no edge of the prior gene network joins two genes"):
        ScRCL(4, preset=QUICK).fit(planted.X, genes=planted.var_names, prior=prior.iloc[2:])


def test_the_spatial_preset_recovers_domains_better_than_the_types_of_cells_could() -> None:
    tissue = datasets.synthetic(500, 160, 3, density=0.1, seed=2)
    shuffled = np.random.default_rng(0).permutation(tissue.obsm["spatial"])
    found, blind = (
        adjusted_rand_score(tissue.obs["domain"], ScRCL(3, preset="spatial").fit_predict(tissue.X, spatial=positions))
        for positions in (tissue.obsm["spatial"], shuffled)
    )
    assert found > 0.75
    assert found > adjusted_rand_score(tissue.obs["domain"], tissue.obs["cell_type"]) + 0.1
    assert blind < 0.3


def test_the_number_of_domains_is_chosen_on_the_coordinates() -> None:
    tissue = datasets.synthetic(300, 100, 3, density=0.1, seed=2)
    preset = dataclasses.replace(get_preset("spatial"), n_runs=1, plan=TrainingPlan(epochs=1))
    model = ScRCL(preset=preset).fit(tissue.X, spatial=tissue.obsm["spatial"])
    assert model.k_selection_ is not None
    on_coordinates, on_views = (choose_k(seen, seed=0) for seen in (model._reference.cell_x, model.embedding_))
    np.testing.assert_array_equal(model.k_selection_.recovered, on_coordinates.recovered)
    assert not np.array_equal(on_coordinates.recovered, on_views.recovered)


def test_spatial_edges_never_join_two_slices(planted: AnnData) -> None:
    library = np.where(np.arange(planted.n_obs) % 2, "left", "right")
    preset = dataclasses.replace(QUICK, n_spatial_neighbors=6)
    model = ScRCL(4, preset=preset).fit(planted.X, spatial=planted.obsm["spatial"], library=library)
    source, target = model.graph_[gr.ADJACENT].edge_index.as_tensor().numpy()
    assert len(source) >= 6 * planted.n_obs
    assert (library[source] == library[target]).all()


def test_the_paper_preset_runs_and_finds_more_than_chance(planted: AnnData) -> None:
    model = ScRCL(4, preset=small_paper()).fit(planted.X)
    assert set(model.history_[0]) == {"total", "alignment", "neighbourhood", "consistency"}
    assert model.embedding_.shape[0] == planted.n_obs
    assert np.isfinite(model.embedding_).all()
    assert adjusted_rand_score(planted.obs["cell_type"], model.labels_) > 0.2


def test_several_runs_are_joined_side_by_side(planted: AnnData) -> None:
    one = ScRCL(4, preset=QUICK).fit(planted.X)
    two = ScRCL(4, preset=dataclasses.replace(QUICK, n_runs=2)).fit(planted.X)
    width = one.embedding_.shape[1]
    assert two.embedding_.shape[1] == 2 * width
    np.testing.assert_allclose(two.embedding_[:, :width] * np.sqrt(2), one.embedding_, atol=1e-6)
    first, second = two.history_
    assert first["total"] != second["total"]
    assert two.association_.cells.shape[1] == 2 * one.association_.cells.shape[1]


@pytest.mark.parametrize("clusterer", ["merge", "mixture", "kmeans"])
def test_each_clusterer_can_be_chosen_and_recovers_the_types(planted: AnnData, clusterer: str, one_run: Preset) -> None:
    preset = dataclasses.replace(one_run, clusterer=clusterer)
    labels = ScRCL(4, preset=preset).fit_predict(planted.X)
    assert adjusted_rand_score(planted.obs["cell_type"], labels) > 0.9


def test_what_cannot_cluster_is_refused_before_anything_is_computed(
    planted: AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrcl_graph.model.estimator.build", lambda *_: pytest.fail("it was built"))
    with pytest.raises(InputError, match=r"'kmeans' cannot be made: .*magic"):
        ScRCL(4, preset=dataclasses.replace(QUICK, clusterer=("kmeans", {"magic": 1}))).fit(planted.X)
    with pytest.raises(InputError, match=r"cannot be made: .*magic"):
        ScRCL(4, preset=dataclasses.replace(QUICK, clusterer=(lambda k: SphericalKMeans(k), {"magic": 1}))).fit(
            planted.X
        )
    with pytest.raises(InputError, match="'SphericalKMeans' cannot be made: an instance takes no options"):
        ScRCL(4, preset=dataclasses.replace(QUICK, clusterer=(SphericalKMeans(4), {"n_init": 1}))).fit(planted.X)
    with pytest.raises(InputError, match="19 cells are too few to choose a number"):
        ScRCL().fit(planted.X[:19])
    with pytest.raises(InputError, match="19 cells are too few to choose a number"):
        ScRCL(preset=dataclasses.replace(QUICK, n_training_cells=19)).fit(planted.X)
    monkeypatch.setitem(sys.modules, "igraph", None)
    with pytest.raises(ImportError, match=r"scrcl-graph\[leiden\]"):
        ScRCL(4, preset=dataclasses.replace(QUICK, clusterer="leiden")).fit(planted.X)


def test_a_clusterer_of_the_users_own_is_made_once_with_what_it_asks_for(planted: AnnData) -> None:
    made = []

    class Own(SphericalKMeans):
        def __init__(self, n_clusters: int, coordinates: NDArray[np.float32]) -> None:
            assert n_clusters == 4
            assert len(coordinates) == planted.n_obs
            made.append(self)
            super().__init__(n_clusters)

    ScRCL(4, preset=dataclasses.replace(QUICK, clusterer=Own)).fit(planted.X)
    assert len(made) == 1


def test_finding_another_number_of_clusters_is_said(planted: AnnData, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("igraph")
    preset = dataclasses.replace(QUICK, clusterer="leiden")
    with caplog.at_level(logging.WARNING, "scrcl_graph"):
        model = ScRCL(239, preset=preset).fit(planted.X)
    assert model.n_clusters_ != 239
    assert f"{model.n_clusters_} clusters were found where 239 were wanted" in caplog.text


def test_new_cells_of_the_paper_preset_join_by_cosine_as_the_known_ones(planted: AnnData) -> None:
    preset = dataclasses.replace(small_paper(), plan=TrainingPlan(epochs=1))
    model = ScRCL(4, preset=preset).fit(planted.X[:200])
    x = np.random.default_rng(0).normal(size=(40, model._reference.cell_x.shape[1])).astype(np.float32)
    x *= np.geomspace(0.01, 100, 40, dtype=np.float32)[:, None]
    data = model._reference.attach(Cells(x, planted.X[200:]), n_neighbors=5, seed=0)
    edges = data[gr.SIMILAR]
    inward = csr_from_edges(edges.edge_index, edges.edge_weight)[200:, :200]
    for row, cosines in zip(inward, cosine_similarity(x, model._reference.cell_x), strict=True):
        assert set(row.indices) == set(np.argsort(-cosines)[:5])


def test_the_paper_preset_refuses_what_it_would_ignore(planted: AnnData) -> None:
    prior = pd.DataFrame({"a": planted.var_names[:1], "b": planted.var_names[1:2]})
    with pytest.raises(InputError, match="leave prior out"):
        ScRCL(4, preset=small_paper()).fit(planted.X, genes=planted.var_names, prior=prior)
    with pytest.raises(InputError, match="leave batch_key out"):
        ScRCL(4, preset=small_paper()).fit(planted.X, library=np.arange(planted.n_obs) % 2)


def test_a_fit_that_was_stopped_goes_on_to_the_same_bits(
    planted: AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = dataclasses.replace(QUICK, n_runs=2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # one run after the other, so that epochs can be counted
    wanted = ScRCL(4, preset=two).fit(planted.X)
    monkeypatch.setattr("scrcl_graph.train.checkpoint.INTERVAL", 0.0)
    epochs = iter(range(8))
    seen = NeighbourhoodContrast.__call__

    def until_the_third_of_the_second_run(self: NeighbourhoodContrast, batch: Batch) -> torch.Tensor:
        if next(epochs, 8) == 7:
            raise KeyboardInterrupt
        return seen(self, batch)

    monkeypatch.setattr(NeighbourhoodContrast, "__call__", until_the_third_of_the_second_run)
    with pytest.raises(KeyboardInterrupt):
        ScRCL(4, preset=two).fit(planted.X, checkpoint=tmp_path / "kept")
    epochs = iter(range(3))  # what is left
    resumed = ScRCL(4, preset=two).fit(planted.X, checkpoint=tmp_path / "kept")
    assert next(epochs, None) is None
    assert resumed.embedding_.tobytes() == wanted.embedding_.tobytes()
    assert np.array_equal(resumed.labels_, wanted.labels_)
    assert resumed.history_ == wanted.history_

    others: list[tuple[ScRCL, Any, str]] = [
        (ScRCL(4, preset=two, random_state=1), planted.X, "random_state"),
        (ScRCL(4, preset=dataclasses.replace(two, out_dim=8)), planted.X, "preset"),
        (ScRCL(4, preset=two), planted.X[::2], "data"),
        (ScRCL(4, preset=two), planted.X.sqrt(), "coordinates"),
    ]
    for model, X, name in others:
        with pytest.raises(InputError, match=rf"checkpoint of another job \(.*{name}.* differ\)"):
            model.fit(X, checkpoint=tmp_path / "kept")


def test_edges_of_a_graph_of_ones_own_that_join_slices_are_left_out(
    planted: AnnData, caplog: pytest.LogCaptureFixture
) -> None:
    preset = dataclasses.replace(get_preset("spatial"), n_runs=1, plan=TrainingPlan(epochs=1))
    chain = sp.diags_array(np.ones(239), offsets=1).tocsr()
    library = np.repeat(["a", "b"], 120)
    model = ScRCL(4, preset=preset).fit(planted.X, spatial=chain, library=library)
    row, col = model.graph_[gr.ADJACENT].edge_index.as_tensor().numpy()
    assert (library[row] == library[col]).all()
    assert "1 edges of the spatial graph join two slices" in caplog.text


def test_what_is_done_to_the_embedding_is_not_done_to_the_model(planted: AnnData) -> None:
    preset = dataclasses.replace(get_preset("spatial"), n_runs=1, plan=TrainingPlan(epochs=1))
    model = ScRCL(4, preset=preset).fit(planted.X, spatial=planted.obsm["spatial"])
    before = model.predict(planted.X, spatial=planted.obsm["spatial"])
    model.embedding_ *= 0
    assert np.array_equal(model.predict(planted.X, spatial=planted.obsm["spatial"]), before)


def test_identical_cells_are_refused() -> None:
    with pytest.raises(InputError, match="the same expression profile"):
        ScRCL(4).fit(np.ones((200, 50)))


def test_a_checkpoint_of_another_prior_or_other_coordinates_is_refused(planted: AnnData, tmp_path: Path) -> None:
    preset = dataclasses.replace(get_preset("default"), n_runs=1, plan=TrainingPlan(epochs=1))
    genes, rep = list(planted.var_names), np.asarray(planted.X[:, :8].todense(), dtype=np.float32)
    pairs = pd.DataFrame({"a": genes[:80], "b": genes[80:]})

    def fit(folder: str, **options: object) -> None:
        ScRCL(4, preset=preset).fit(planted.X, genes=genes, checkpoint=tmp_path / folder, **options)

    fit("plain")
    fit("rep", rep=rep)
    with pytest.raises(InputError, match=r"gene_graph differ"):
        fit("plain", prior=pairs)
    for other in (-rep, rep[::-1]):
        with pytest.raises(InputError, match=r"coordinates.* differ"):
            fit("rep", rep=other)
