from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import Dropout, Linear, Sequential
from torch_geometric.data import HeteroData

from scrcl_graph.nn import RefinementNetwork
from scrcl_graph.objectives import Alignment, Batch
from scrcl_graph.train import Run, TrainingPlan, train, train_runs
from scrcl_graph.train.side_by_side import in_double

PLAN = TrainingPlan(weights={"alignment": 1.0, "watch": 1.0}, epochs=6, tolerance=None)


class Watch:
    """Adds nothing to the loss, and notes in which thread it was asked."""

    name = "watch"

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.interrupts = False

    def __call__(self, batch: Batch) -> Tensor:
        self.threads.append(threading.current_thread().name)
        if self.interrupts and threading.current_thread() is not threading.main_thread():
            raise KeyboardInterrupt
        return batch.cell_x.new_zeros(())


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def _runs(data: HeteroData, *, dropout: bool = False) -> list[Run]:
    out = []
    for seed in range(3):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = RefinementNetwork(data["cell"].x.size(1), data["gene"].x.size(1), hidden_dim=16, out_dim=4)
            if dropout:
                network.own_view = Sequential(Dropout(0.5), Linear(data["cell"].x.size(1), 4))
        out.append(Run(network, [Alignment(), Watch()], PLAN, seed))
    return out


def _alone(runs: list[Run], data: HeteroData) -> list[dict[str, list[float]]]:
    return [train(run.network, data, run.objectives, run.plan, seed=run.seed) for run in runs]


def _threads(runs: list[Run]) -> set[str]:
    watched = {name for run in runs for name in run.objectives[1].threads}  # type: ignore[attr-defined]
    return watched - {threading.current_thread().name}


def test_side_by_side_gives_the_bits_of_one_thread_one_after_another(data: HeteroData) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    runs, others = _runs(data), _runs(data)
    found = train_runs(runs, data)
    assert len(_threads(runs)) == 2  # it did go side by side
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), before)
    torch.set_num_threads(1)
    assert found == _alone(others, data)
    for run, other in zip(runs, others, strict=True):
        assert all(map(torch.equal, run.network.state_dict().values(), other.network.state_dict().values()))


def test_networks_that_draw_random_numbers_are_trained_one_after_another(data: HeteroData) -> None:
    runs, others = _runs(data, dropout=True), _runs(data, dropout=True)
    assert train_runs(runs, data) == _alone(others, data)
    assert not _threads(runs)
    dry = _runs(data, dropout=True)
    for run in dry:
        run.network.own_view[0].p = 0.0  # type: ignore[index,union-attr]
    assert _alone(dry, data) != _alone(_runs(data, dropout=True), data)  # so the draws did matter


def test_an_objective_that_cannot_be_copied_is_not_shared_between_threads(data: HeteroData) -> None:
    runs = _runs(data)
    runs[0].objectives[1].lock = threading.Lock()  # type: ignore[attr-defined]
    assert len(train_runs(runs, data)) == 3
    assert not _threads(runs)


def test_one_core_trains_one_after_another(data: HeteroData) -> None:
    torch.set_num_threads(1)
    runs = _runs(data)
    train_runs(runs, data)
    assert not _threads(runs)


def test_double_precision_is_that_of_a_graph_in_double(data: HeteroData) -> None:
    runs, wanted = ([replace(run, plan=replace(PLAN, double_precision=True)) for run in _runs(data)] for _ in range(2))
    for run in wanted:
        run.network.double()
    assert train_runs(runs, data) == _alone(wanted, in_double(data)) != train_runs(_runs(data), data)
    assert data["cell"].x.dtype == torch.float32
    for run, other in zip(runs, wanted, strict=True):
        for got, expected in zip(run.network.parameters(), other.network.parameters(), strict=True):
            assert torch.equal(got, expected.float())


def test_an_interrupt_ends_the_other_runs_which_go_on_from_their_checkpoints(data: HeteroData, tmp_path: Path) -> None:
    def with_checkpoints() -> list[Run]:
        return [Run(r.network, r.objectives, r.plan, r.seed, tmp_path / f"{r.seed}") for r in _runs(data)]

    wanted = train_runs(_runs(data), data)
    stopping = with_checkpoints()

    stopping[0].objectives[1].interrupts = True  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        train_runs(stopping, data)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("training")]
    assert train_runs(with_checkpoints(), data) == wanted
