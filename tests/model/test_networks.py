from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score
from torch import Tensor
from torch.nn import LazyLinear, Linear, Module
from torch_geometric.data import HeteroData

from scrcl_graph import InputError, ScRCL
from scrcl_graph.nn import NETWORKS, Views, ops, register_network
from scrcl_graph.presets import Preset, get_preset, read_preset
from scrcl_graph.train import TrainingPlan


class Plain(Module):
    """View 1 is a linear map of the cell, view 2 of the mean over its neighbours; the width of the genes is lazy."""

    def __init__(self, cell_dim: int, out_dim: int, metadata: Any, bend: bool = False) -> None:
        super().__init__()
        self.metadata, self.bend = metadata, bend
        self.own, self.around = Linear(cell_dim, out_dim), Linear(cell_dim, out_dim)
        self.genes = LazyLinear(2 * out_dim + 1)

    def forward(self, data: HeteroData) -> Views:
        x, edges = data["cell"].x, data["cell", "similar_to", "cell"]
        weight, messages = (gene := self.genes(data["gene"].x))[:, 1:].chunk(2, dim=1)
        around = x + ops.spmm(edges.edge_index, x, edges.edge_weight)
        hidden = self.own(x), self.around(around)
        return Views(hidden=hidden, weight=weight, bias=gene[:, 0], messages=messages)


def with_network(network: Any, **changes: Any) -> Preset:
    return replace(get_preset("default"), n_runs=1, network=network, **changes)


@pytest.fixture
def registered() -> Any:
    register_network("plain")(Plain)
    yield
    del NETWORKS.entries["plain"]


def test_a_network_of_the_users_own_is_trained_saved_and_found_by_its_name(
    planted: AnnData, tmp_path: Path, registered: None
) -> None:
    model = ScRCL(4, preset=with_network(("plain", {"bend": True}))).fit(planted.X, genes=planted.var_names)
    assert adjusted_rand_score(planted.obs["cell_type"], model.labels_) > 0.9
    assert model.history_[0]["total"][-1] < model.history_[0]["total"][0]
    assert model.association_.genes.shape == (len(model.genes_), 16)
    network = model._networks[0]
    assert network.bend
    assert network.metadata == model.graph_.metadata()
    model.save(tmp_path / "model")
    loaded = ScRCL.load(tmp_path / "model")
    assert isinstance(loaded._networks[0], Plain)
    new = planted[::5]
    assert (
        loaded.transform(new.X, genes=new.var_names).tobytes() == model.transform(new.X, genes=new.var_names).tobytes()
    )
    del NETWORKS.entries["plain"]
    with pytest.raises(InputError, match=r"unknown network 'plain': choose one of refinement, paper.*before loading"):
        ScRCL.load(tmp_path / "model")
    register_network("plain")(Plain)


def test_a_toml_file_names_a_network(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def make(cell_dim): ...\n")
    (tmp_path / "mine.toml").write_text('network = "mine.py:make{depth = 2}"\n')
    part, options = read_preset(tmp_path / "mine.toml").network
    assert (part.__name__, options) == ("make", {"depth": 2})


def test_the_seed_decides_lazy_weights_and_the_global_random_state_is_left_alone(planted: AnnData) -> None:
    preset = with_network(Plain, plan=TrainingPlan(epochs=1))
    before = torch.random.get_rng_state()
    first = ScRCL(4, preset=preset).fit(planted.X)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.rand(3)
    again = ScRCL(4, preset=preset).fit(planted.X)
    assert again.association_.genes.tobytes() == first.association_.genes.tobytes()


def giving(change: Callable[[Views], object]) -> type[Plain]:
    class Changed(Plain):
        def forward(self, data: HeteroData) -> Any:
            return change(super().forward(data))

    return Changed


def one_row(views: Views) -> Tensor:
    return views.bias[:1]


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        (with_network("refinment"), "unknown network 'refinment': choose one of refinement, paper.*register_network"),
        (with_network(Plain(5, 5, ())), "'Plain' is an instance: give its class"),
        (with_network((Plain, {"depth": 3})), "'Plain' cannot be made: TypeError: .*depth"),
        (with_network(lambda cell_dim: cell_dim), "must be a torch module"),
        (with_network(Plain, layers={"cell-cell": "gcn"}), "'Plain' has its own layers: leave layers out"),
        (with_network(giving(lambda views: views.hidden)), "'Changed' must return scrcl_graph.nn.Views, not tuple"),
        (with_network(giving(lambda views: views.nothing)), "'Changed' fails on the graph: AttributeError"),
        (with_network(giving(lambda views: replace(views, bias=one_row(views)))), r"of shapes .*\(1,\).*, not"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_before_training(planted: AnnData, preset: Preset, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ScRCL(4, preset=preset).fit(planted.X)
