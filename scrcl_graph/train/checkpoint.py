"""Checkpoints: where a stopped job goes on. A folder of safetensors and JSON; nothing in it is executed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.nn import Module
from torch.optim import Optimizer

from scrcl_graph._errors import InputError
from scrcl_graph._files import replacing

INTERVAL = 10.0  # seconds between two checkpoints of a run; each is written at the end of an epoch
_JOB = "job.json"

History = dict[str, list[float]]


class Checkpoint:
    """The folder of one job: what the job is, and the state of each of its runs.

    Every file is written beside its place and then renamed, so whenever the job is killed the folder holds the last
    complete state.

    Parameters
    ----------
    folder
        New, empty, or left by the same job. It is never removed: a finished job that is started again trains nothing.
    job
        What the result of training depends on, as JSON can hold it. Lists of floats are compared to 1 %, as another
        machine may round them differently, everything else exactly.

    Raises
    ------
    InputError
        If the folder cannot be used, or another job left it; the message says in what they differ.
    """

    def __init__(self, folder: str | PathLike[str], job: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        job = json.loads(json.dumps(job, default=str))
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            self._check(job)
            for pattern in (f".{_JOB}.*", ".run_*.safetensors.*"):  # what a kill left of files that were being written
                for unfinished in self.folder.glob(pattern):
                    shutil.rmtree(unfinished, ignore_errors=True)
            return
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as err:
            raise InputError(f"cannot make the checkpoint folder {folder}: {err.strerror or err}") from err
        with replacing(self.folder / _JOB) as path:
            path.write_text(json.dumps(job, indent=1))

    def run(self, index: int) -> Path:
        """The file of one of the job's training runs."""
        return self.folder / f"run_{index}.safetensors"

    def _check(self, job: Mapping[str, Any]) -> None:
        try:
            known = json.loads((self.folder / _JOB).read_text())
            if not isinstance(known, dict):
                raise ValueError("not an object")
        except (OSError, ValueError) as err:
            raise InputError(f"{self.folder} is not a checkpoint: choose a new or empty folder") from err
        differ = [name for name in {**job, **known} if not _same(known.get(name), job.get(name))]
        if differ:
            raise InputError(
                f"{self.folder} is the checkpoint of another job ({', '.join(differ)} differ): "
                "choose another folder, or delete it"
            )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list) and one and isinstance(one[0], float):
        return len(one) == len(other) and bool(torch.allclose(torch.tensor(one), torch.tensor(other), rtol=0.01))
    return bool(one == other)


def pack(network: Module, optimizer: Optimizer, history: History, device: torch.device) -> bytes:
    """Everything the next epoch depends on, with torch's random state, in the format of safetensors."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    tensors |= {f"history.{name}": torch.tensor(values, dtype=torch.float64) for name, values in history.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(device)
    return save({name: tensor.detach().cpu().clone() for name, tensor in tensors.items()})


def unpack(state: bytes, network: Module, optimizer: Optimizer, device: torch.device) -> History:
    """Restore what :func:`pack` packed; returns the history.

    Raises
    ------
    ValueError
        If this is no such state, or one of another network.
    """
    try:
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in load(state).items():
            kind, _, rest = name.partition(".")
            parts.setdefault(kind, {})[rest] = tensor
        network.load_state_dict(parts["network"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts.get("optimizer", {}).items():
            index, _, rest = name.partition(".")
            moments.setdefault(int(index), {})[rest] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        torch.set_rng_state(parts["random"]["cpu"])
        if device.type == "cuda" and "cuda" in parts["random"]:
            torch.cuda.set_rng_state(parts["random"]["cuda"], device)
        return {name: values.tolist() for name, values in parts["history"].items()}
    except (SafetensorError, KeyError, RuntimeError) as err:
        raise ValueError(str(err)) from err
