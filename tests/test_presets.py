from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from torch import Tensor
from torch.nn import Linear

from scrcl_graph import InputError, ScRCL
from scrcl_graph._registry import Registry
from scrcl_graph.cluster import CLUSTERERS, SphericalKMeans, make_clusterer, register_clusterer
from scrcl_graph.datasets import Planted, plant
from scrcl_graph.gr import GRAPHS, register_graph
from scrcl_graph.nn import LAYERS, NETWORKS, register_layer, register_network
from scrcl_graph.objectives import OBJECTIVES, Alignment, Batch, register_objective
from scrcl_graph.presets import Preset, from_plain, get_preset, read_preset, to_plain, with_parts
from scrcl_graph.train import TrainingPlan

TOML = """
preset = "default"
n_runs = 1
maps = ["pca"]
clusterer = "kmeans"
similarity_graph = ["knn", {n_neighbors = 4}]

[layers]
cell-cell = "gatv2{heads = 4}"
gene-gene = ["sage", {aggr = "max"}]
cell-gene = "mine.py:MyConv"

[objectives]
consistency = 0
association = 2.5

[training]
epochs = 7
"""


@pytest.fixture(scope="module")
def small() -> Planted:
    return plant(60, 50, 3, module_size=8, density=0.3)


def test_a_toml_file_sets_layers_objectives_and_training(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class MyConv: pass\n")
    (tmp_path / "mine.toml").write_text(TOML)
    preset = get_preset(str(tmp_path / "mine.toml"))
    assert (preset.name, preset.n_runs, preset.maps, preset.clusterer) == ("mine", 1, ("pca",), "kmeans")
    assert preset.similarity_graph == ("knn", {"n_neighbors": 4})
    assert preset.layers["cell-cell"] == ("gatv2", {"heads": 4})
    assert preset.layers["gene-gene"] == ("sage", {"aggr": "max"})
    assert preset.layers["cell-gene"].__name__ == "MyConv"
    default = get_preset("default")
    assert preset.plan.weights == {**default.plan.weights, "consistency": 0, "association": 2.5}
    assert (preset.plan.epochs, preset.plan.lr) == (7, default.plan.lr)
    assert preset.hidden_dim == default.hidden_dim


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n_neighbours = 3", "sets what is not there: .*n_neighbours"),
        ("[training]\nepoch = 3", "sets what is not there: .*epoch"),
        ("n_runs =", "cannot be read as TOML"),
        ('preset = "defalt"', "unknown preset 'defalt': choose one of default, spatial, paper"),
        ("preset = 3", "unknown preset '3'"),
        ("n_runs = 0", "mine.toml: n_runs is 0: give a whole number of at least 1"),
        ("[plan]\nepochs = 2", r"mine.toml: the plan is written as a table, \[training\]"),
        ("n_training_cells = 1", "n_training_cells is 1: give a whole number of at least 2 or None"),
        ("gene_keep = 1.5", "gene_keep is 1.5: give a number of at least 0 and at most 1"),
        ('embedding = "view"', "embedding is 'view': give one of 'views', 'hidden', 'refined', 'coordinates'"),
        ("clusterer = 3", "3 is not the name of a part"),
        ("layers = 3", "layers is 3: write it as a table"),
        ('[objectives]\nalignment = "much"', "weights is .*'much'.*: give a table, each value a number"),
        ('[training]\nepochs = "many"', "epochs is 'many': give a whole number of at least 0"),
        ("[training]\ntau = 0", "tau is 0: give a number of at least 1e-06"),
        ("[training]\ntile_cells = 10.5", "tile_cells is 10.5: give a whole number of at least 1 or None"),
    ],
)
def test_a_toml_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_preset(tmp_path / "mine.toml")
    with pytest.raises(InputError, match="cannot be read as TOML"):
        get_preset(str(tmp_path / "nothing.toml"))


@pytest.mark.parametrize(
    ("n_cells", "n_training_cells", "expected"),
    [(20, None, (5, 4)), (60, None, (12, 8)), (200, 20_000, (40, 14)), (250, None, (50, 15)), (5000, 60, (12, 8))],
)
def test_few_cells_to_learn_from_get_fewer_dimensions_and_neighbours(
    n_cells: int, n_training_cells: int | None, expected: tuple[int, int]
) -> None:
    preset = Preset(name="mine", n_training_cells=n_training_cells)
    suited = preset.suited(n_cells)
    assert (suited.n_components, suited.n_neighbors) == expected
    assert suited == replace(preset, n_components=expected[0], n_neighbors=expected[1]) == suited.suited(n_cells)
    assert get_preset("paper").suited(n_cells) == get_preset("paper")


def test_lists_are_taken_for_tuples() -> None:
    assert Preset("mine", maps=["pca"], spatial_steps=[0, 1]) == Preset("mine", maps=("pca",), spatial_steps=(0, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["default", "spatial", "paper"])
def test_a_preset_survives_json(name: str) -> None:
    preset = with_parts(get_preset(name), layers={"gene-gene": ("gat", {"heads": 2})}, clusterer=("merge", {"n": [1]}))
    assert from_plain(json.loads(json.dumps(to_plain(get_preset(name))))) == get_preset(name)
    again = from_plain(json.loads(json.dumps(to_plain(preset))))
    assert again.layers == {"gene-gene": ("gat", {"heads": 2})}
    assert again.clusterer[0] == "merge"


QUICK = Preset(name="quick", n_runs=1, plan=TrainingPlan(epochs=1), clusterer="kmeans")


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        (
            replace(QUICK, plan=TrainingPlan(epochs=1, optimizer="sgd")),
            "unknown optimizer 'sgd': choose one of adam,",
        ),
        (
            with_parts(QUICK, objectives={"alignement": 1.0}),
            "unknown objective 'alignement': choose one of align",
        ),
        (replace(QUICK, plan=TrainingPlan(weights={"alignment": 0})), "there is nothing to minimise"),
        (
            replace(QUICK, maps=("pcaa",)),
            "unknown coordinate map 'pcaa': choose one of correspondence, pca, relative_pca",
        ),
        (replace(QUICK, clusterer="kmean"), "unknown clusterer 'kmean': choose one of communities"),
        (replace(QUICK, clusterer=Linear), "the clusterer 'Linear' cannot be made"),
        (replace(QUICK, similarity_graph="knnn"), "unknown graph 'knnn': choose one of delaunay"),
        (replace(QUICK, similarity_graph=lambda x: (x[:, :3], None)), "the graph is 60 x 3, but there are 60 cells"),
        (with_parts(get_preset("paper"), layers={"cell-cell": "gcn"}), "'paper' has its own layers: leave layers out"),
    ],
)
def test_a_part_that_is_not_there_is_one_sentence(small: Planted, preset: Preset, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ScRCL(3, preset=preset).fit(small.counts)


@pytest.mark.parametrize(
    "preset",
    [
        replace(QUICK, plan=TrainingPlan(epochs=1, optimizer="sgd")),
        with_parts(QUICK, objectives={"alignement": 1.0}),
        with_parts(QUICK, layers={"cell-cell": "gcnn"}),
        replace(QUICK, maps=("pcaa",)),
        replace(QUICK, clusterer="kmean"),
        replace(QUICK, similarity_graph="knnn"),
        replace(QUICK, network="netwrk"),
    ],
)
def test_names_are_looked_up_before_anything_is_computed(
    small: Planted, preset: Preset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrcl_graph.model.estimator.build", lambda *_: pytest.fail("the graph was built"))
    with pytest.raises(InputError, match="unknown"):
        ScRCL(3, preset=preset).fit(small.counts)


def test_a_fitted_model_no_longer_needs_the_file_of_its_preset(small: Planted, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("clusterer = 'kmeans'\nn_runs = 1\n[training]\nepochs = 1\n")
    model = ScRCL(3, preset=str(file)).fit(small.counts)
    before = model.transform(small.counts)
    file.unlink()
    np.testing.assert_array_equal(model.transform(small.counts), before)
    model.save(tmp_path / "model")
    assert ScRCL.load(tmp_path / "model").preset.name == "mine"


def test_objectives_of_one_name_are_refused_and_written_as_they_are_called(small: Planted) -> None:
    with pytest.raises(InputError, match="two objectives are called 'alignment'"):
        ScRCL(3, preset=with_parts(QUICK, objectives={"alignment": 1.0, Alignment: 2.0})).fit(small.counts)

    class Spread:
        name = "my spread"

        def __call__(self, batch: Batch) -> Tensor:
            return batch.views.refined[0].var()

    preset = with_parts(QUICK, objectives={Spread: 1.0})
    assert "my spread" in to_plain(preset)["plan"]["weights"]
    assert "my spread" in ScRCL(3, preset=preset).fit(small.counts).history_[0]


def test_options_that_nothing_takes_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[objectives]\n'alignment{tau = 2}' = 1.0\n")
    with pytest.raises(InputError, match="takes no options: write a class or function that has them"):
        get_preset(str(file))
    with pytest.raises(InputError, match="'SphericalKMeans' cannot be made: an instance takes no options"):
        make_clusterer((SphericalKMeans(3), {"n_init": 1}), 3, 0)


def test_the_graph_of_cells_is_the_one_that_was_asked_for(small: Planted) -> None:
    model = ScRCL(3, preset=replace(QUICK, similarity_graph=("knn", {"n_neighbors": 3}))).fit(small.counts)
    x = model.graph_["cell"].x.numpy()
    nearest = NearestNeighbors(n_neighbors=3).fit(x).kneighbors_graph()
    np.testing.assert_array_equal((model.connectivities_ > 0).toarray(), (nearest + nearest.T > 0).toarray())


@pytest.mark.parametrize(
    ("register", "registry"),
    [
        (register_graph, GRAPHS),
        (register_clusterer, CLUSTERERS),
        (register_layer, LAYERS),
        (register_network, NETWORKS),
        (register_objective, OBJECTIVES),
    ],
)
def test_a_registered_part_is_found_by_its_name(register: Callable[[str], Any], registry: Registry) -> None:
    class Mine:
        pass

    assert register("of_a_test")(Mine) is Mine
    assert registry.entries.pop("of_a_test") is Mine
