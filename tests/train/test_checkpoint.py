from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch.nn import Dropout, Linear, Module, Sequential

from scrcl_graph import InputError
from scrcl_graph.train import Checkpoint
from scrcl_graph.train.checkpoint import pack, unpack

JOB = {"seed": 3, "lengths": [1.0, 2.0], "preset": {"name": "default", "weights": (1, 2)}}
CPU = torch.device("cpu")


def _network() -> Module:
    return Sequential(Linear(4, 8), Dropout(0.5), Linear(8, 1))


def _step(network: Module, optimizer: torch.optim.Optimizer) -> float:
    optimizer.zero_grad()
    loss = network(torch.ones(3, 4)).square().sum()
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def test_a_state_goes_on_with_the_same_bits() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first = _network()
        optimizer = torch.optim.AdamW(first.parameters())
        history = {"total": [_step(first, optimizer) for _ in range(3)] + [float("nan")]}
        state = pack(first, optimizer, history, CPU)
        wanted = [_step(first, optimizer) for _ in range(3)]

        torch.manual_seed(1)
        second = _network()
        other = torch.optim.AdamW(second.parameters())
        restored = unpack(state, second, other, CPU)
        assert [_step(second, other) for _ in range(3)] == wanted
    assert str(restored) == str(history)  # NaN is NaN


@pytest.mark.parametrize(
    "state", [b"", b"no safetensors", pack(Linear(2, 2), torch.optim.Adam([torch.ones(1)]), {}, CPU)]
)
def test_what_is_no_state_of_this_network_is_refused(state: bytes) -> None:
    network = _network()
    with pytest.raises(ValueError, match=r"."):
        unpack(state, network, torch.optim.Adam(network.parameters()), CPU)


def test_a_job_finds_its_folder_again_and_clears_what_a_kill_left(tmp_path: Path) -> None:
    run = Checkpoint(tmp_path / "kept", JOB).run(1)
    run.write_bytes(b"state")
    (tmp_path / "kept" / ".run_1.safetensors.xyz").mkdir()
    (tmp_path / "kept" / ".git").mkdir()  # of the user
    again = Checkpoint(tmp_path / "kept", JOB | {"lengths": [1.0001, 2.0]})  # as another machine rounds
    assert again.run(1).read_bytes() == b"state"
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {".git", "job.json", "run_1.safetensors"}


@pytest.mark.parametrize(
    ("change", "names"),
    [({"seed": 4}, "seed"), ({"lengths": [1.1, 2.0]}, "lengths"), ({"seed": 4, "more": 1}, "seed, more")],
)
def test_another_job_is_refused_and_changes_nothing(tmp_path: Path, change: dict[str, object], names: str) -> None:
    Checkpoint(tmp_path / "kept", JOB).run(0).write_bytes(b"state")
    with pytest.raises(InputError, match=rf"kept is the checkpoint of another job \({names} differ\): choose another"):
        Checkpoint(tmp_path / "kept", JOB | change)
    assert json.loads((tmp_path / "kept" / "job.json").read_text())["seed"] == 3
    assert (tmp_path / "kept" / "run_0.safetensors").read_bytes() == b"state"


def test_a_folder_with_other_things_and_a_place_that_is_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not a checkpoint: choose a new or empty folder"):
        Checkpoint(tmp_path, JOB)
    with pytest.raises(InputError, match="is not a checkpoint"):
        Checkpoint(tmp_path / "mine.txt", JOB)
    with pytest.raises(InputError, match="cannot make the checkpoint folder"):
        Checkpoint(tmp_path / "no" / "where", JOB)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
