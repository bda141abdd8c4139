from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import Module
from torch.utils._python_dispatch import TorchDispatchMode
from torch_geometric.data import HeteroData

from scrcl_graph import InputError, gr
from scrcl_graph.datasets import Planted
from scrcl_graph.nn import PaperNetwork, RefinementNetwork, ops
from scrcl_graph.objectives import Alignment, Association, Batch, NeighbourhoodContrast, Objective, make_objectives
from scrcl_graph.train import TrainingPlan, has_settled, loop, train

PLAN = TrainingPlan(weights={"alignment": 1.0, "neighbourhood": 100.0, "association": 10.0}, epochs=25)
OBJECTIVES: list[Objective] = [Alignment(), NeighbourhoodContrast(), Association()]


def _network() -> RefinementNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return RefinementNetwork(8, 8, hidden_dim=32, out_dim=8)


def _with_dropout(data: HeteroData) -> PaperNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return PaperNetwork(data["cell"].num_nodes, data["gene"].num_nodes, 3, hidden_dim=16)


def _same(one: Module, other: Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_every_loss_falls_on_planted_data_and_the_total_is_their_weighted_sum(data: HeteroData) -> None:
    network = _network()
    history = train(network, data, OBJECTIVES, PLAN, seed=0)
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(["total", *PLAN.weights], 25)
    for name, values in history.items():
        assert np.mean(values[-5:]) < 0.9 * np.mean(values[:5]), name
    total = sum(PLAN.weights[name] * np.array(history[name]) for name in PLAN.weights)
    np.testing.assert_allclose(history["total"], total, rtol=1e-5)
    assert not network.training


def test_one_seed_gives_the_same_bits_and_another_seed_does_not(data: HeteroData) -> None:
    networks = []
    for seed, state in ((3, 0), (3, 1), (4, 0)):
        torch.manual_seed(state)  # whatever the global state
        network = _with_dropout(data)
        train(network, data, OBJECTIVES, replace(PLAN, epochs=4), seed=seed)
        networks.append(network)
    assert _same(networks[0], networks[1])
    assert not _same(networks[0], networks[2])


def _attending(_: HeteroData) -> RefinementNetwork:
    layers = {"cell-cell": "boundary_attention", "cell-gene": "association_attention"}
    return RefinementNetwork(8, 8, hidden_dim=32, out_dim=8, layers=layers)


every_network = pytest.mark.parametrize(
    "make", [lambda data: _network(), _with_dropout, _attending], ids=["refinement", "dropout", "attention"]
)


class _Waits(TorchDispatchMode):
    """Collects the operations for which a GPU would first have to end all it was given."""

    NAMES = frozenset({"_local_scalar_dense", "lift_fresh", "nonzero", "masked_select", "_unique2", "equal"})

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name in self.NAMES:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


@every_network
def test_an_epoch_neither_asks_the_device_for_a_value_nor_sends_it_one(
    data: HeteroData, make: Callable[[HeteroData], Module]
) -> None:
    network = make(data)
    objectives, weights = make_objectives(TrainingPlan().weights)
    plan = replace(PLAN, weights=weights)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)

    def epoch() -> None:
        loop.losses(network, data, objectives, plan)["total"].backward()
        optimizer.step()

    epoch()  # what is remembered of the graph is made in the first
    with _Waits() as waits:
        epoch()
    assert waits.seen == []
    with _Waits() as waits:  # and it would be seen
        torch.ones(2).new_tensor([1.0]).sum().item()
    assert waits.seen == ["lift_fresh", "_local_scalar_dense"]


@every_network
def test_an_epoch_stays_on_the_device_of_the_graph(
    data: HeteroData, make: Callable[[HeteroData], Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    # "meta" has no sparse product
    monkeypatch.setattr(ops, "spmm", lambda edges, x, weight=None: ops._summed_messages(edges, x, weight))
    network = make(data).to("meta")
    objectives, weights = make_objectives(TrainingPlan().weights)
    # "meta" holds no values and refuses to be mixed with another device, as a GPU does
    values = loop.losses(network, copy.copy(data).to("meta"), objectives, replace(PLAN, weights=weights))
    values["total"].backward()
    assert {value.device.type for value in values.values()} == {"meta"}
    with pytest.raises(RuntimeError, match="meta"):
        torch.ones(2, device="meta") + torch.ones(2)


class _Stop(Alignment):
    """Stops the training like a signal would, in the middle of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.left = epoch

    def __call__(self, batch: Batch) -> Tensor:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().__call__(batch)


@pytest.mark.parametrize("make", [lambda data: _network(), _with_dropout], ids=["refinement", "dropout"])
def test_training_goes_on_from_a_checkpoint_to_the_same_bits(
    data: HeteroData, make: Callable[[HeteroData], Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, file = replace(PLAN, epochs=9), tmp_path / "run.safetensors"
    whole = make(data)
    wanted = train(whole, data, OBJECTIVES, plan, seed=3)
    monkeypatch.setattr("scrcl_graph.train.checkpoint.INTERVAL", 0.0)
    for epochs in (4, 3):  # stopped twice
        with pytest.raises(KeyboardInterrupt):
            train(make(data), data, [_Stop(epochs), *OBJECTIVES[1:]], plan, seed=3, checkpoint=file)
    resumed = make(data)
    assert train(resumed, data, [_Stop(2), *OBJECTIVES[1:]], plan, seed=3, checkpoint=file) == wanted
    assert _same(whole, resumed)
    again = make(data)  # finished: nothing is trained
    assert train(again, data, [_Stop(0), *OBJECTIVES[1:]], plan, seed=3, checkpoint=file) == wanted
    assert _same(whole, again)
    assert [path.name for path in tmp_path.iterdir()] == ["run.safetensors"]


def test_training_that_had_settled_does_not_go_on(data: HeteroData, tmp_path: Path) -> None:
    plan = TrainingPlan(weights={"spy": 1.0}, epochs=20, window=2)
    for losses in ([1.0 + i for i in range(20)], []):
        spy = _Spy(losses)
        history = train(_network(), data, [spy], plan, seed=0, checkpoint=tmp_path / "run.safetensors")
        assert history["total"] == [1.0, 2.0, 3.0, 4.0]


def test_a_file_that_is_no_checkpoint_is_refused(data: HeteroData, tmp_path: Path) -> None:
    (tmp_path / "run.safetensors").write_bytes(b"something else")
    with pytest.raises(InputError, match=r"run.safetensors cannot be resumed: delete it to begin anew"):
        train(_network(), data, OBJECTIVES, PLAN, seed=0, checkpoint=tmp_path / "run.safetensors")


def test_the_global_random_state_is_left_as_it_was(data: HeteroData) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(_with_dropout(data), data, OBJECTIVES, replace(PLAN, epochs=2), seed=0)
    assert torch.equal(torch.get_rng_state(), before)


class _Spy:
    """An objective that records what it sees and gives losses written beforehand."""

    name = "spy"

    def __init__(self, losses: list[float]) -> None:
        self.losses = iter(losses)
        self.batches: list[Batch] = []

    def __call__(self, batch: Batch) -> Tensor:
        self.batches.append(batch)
        return 0 * batch.views.hidden[0].sum() + next(self.losses)


def test_objectives_see_spatial_edges_where_there_are_some(data: HeteroData, planted_data: Planted) -> None:
    spatial = data.clone()
    adjacent = gr.propagation(gr.spatial_neighbors(planted_data.positions))
    edge_index, edge_weight = gr.cell_gene_graph(
        cell_x=data["cell"].x.numpy(),
        gene_x=data["gene"].x.numpy(),
        expression=planted_data.counts,
        adjacent=adjacent,
    )[gr.ADJACENT].values()
    spatial[gr.ADJACENT].edge_index, spatial[gr.ADJACENT].edge_weight = edge_index, edge_weight
    spy = _Spy([1.0, 1.0])
    plan = TrainingPlan(weights={"spy": 1.0}, epochs=1, tau=0.7)
    for graph in (data, spatial):
        train(_network(), graph, [spy], plan, seed=0)
    assert torch.equal(spy.batches[0].graph, data[gr.SIMILAR].edge_index)
    assert torch.equal(spy.batches[1].graph, edge_index)
    assert torch.equal(spy.batches[0].decoder, data["gene"].decoder)
    assert spy.batches[0].tau == 0.7


@pytest.mark.parametrize(
    ("losses", "tolerance", "epochs"),
    [
        ([2.0**-i for i in range(20)], 0.01, 20),  # still falling
        ([4.0, 2.0, 1.0] + [1.0] * 17, 0.01, 6),  # flat over two windows of two after the fall
        ([1.0 + i for i in range(20)], 0.01, 4),  # rising
        ([1.0 - i / 1000 for i in range(20)], 0.0, 20),  # falling, however little
        ([1.0 + i for i in range(20)], 0.0, 4),
        ([1.0 + i for i in range(20)], None, 20),  # None: never
    ],
)
def test_training_stops_when_the_loss_has_settled(
    data: HeteroData, losses: list[float], tolerance: float | None, epochs: int
) -> None:
    plan = TrainingPlan(weights={"spy": 1.0}, epochs=20, tolerance=tolerance, window=2)
    history = train(_network(), data, [_Spy(losses)], plan, seed=0)
    assert history["total"] == pytest.approx(losses[:epochs])


def test_a_loss_that_is_not_finite_ends_training_and_names_the_objective(data: HeteroData) -> None:
    plan = TrainingPlan(weights={"alignment": 1.0, "spy": 1.0}, epochs=20)
    with pytest.raises(InputError, match=r"'spy' is nan in epoch 3: .* lower the learning rate"):
        train(_network(), data, [Alignment(), _Spy([1.0, 1.0, math.nan] + [1.0] * 7)], plan, seed=0)


def test_settled_compares_the_means_of_two_windows() -> None:
    fell_by_a_tenth = [7.0, 1.1, 0.9, 0.8, 1.0]  # windows of two: mean 1.0, then 0.9
    assert has_settled(fell_by_a_tenth, 0.11, 2)
    assert not has_settled(fell_by_a_tenth, 0.09, 2)
    assert not has_settled(fell_by_a_tenth[:3], 0.11, 2)  # two windows are not there yet
    negative = [-1.0, -1.0, -1.2, -1.2]  # a loss below zero that still falls
    assert not has_settled(negative, 0.1, 2)
    assert has_settled(negative, 0.3, 2)
    assert not has_settled([math.nan] * 4, 0.1, 2)
