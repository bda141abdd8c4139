"""One job on several processes: the first does everything, the others train with it when it trains."""

from __future__ import annotations

import copy
import logging
import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.nn import Module
from torch_geometric.data import HeteroData

from scrcl_graph._errors import InputError
from scrcl_graph.nn import check_sharding
from scrcl_graph.objectives import Objective
from scrcl_graph.train.checkpoint import History
from scrcl_graph.train.loop import train
from scrcl_graph.train.plan import TrainingPlan
from scrcl_graph.train.shards import Shard, by_locality, cut
from scrcl_graph.train.team import Team, reached
from scrcl_graph.train.tiles import Tile

T = TypeVar("T")
logger = logging.getLogger(__name__)

TIMEOUT = timedelta(minutes=5)  # how long a process waits for the others within a step of training
_IDLE = timedelta(days=7)  # the others wait while the first reads, builds the graph and clusters
_CHUNK = 2**28


@dataclass(frozen=True)
class _Job:
    """What every process of a training run is told."""

    network: Module
    objectives: Sequence[Objective]
    plan: TrainingPlan
    seed: int
    on_gpu: bool


@dataclass
class _Groups:
    """The same processes twice: to wait for work, and to work."""

    idle: dist.ProcessGroup
    work: dist.ProcessGroup


_groups: _Groups | None = None


def run(main: Callable[[], T]) -> T | None:
    """Call ``main``; under ``torchrun`` in the first process only, while the others share its training.

    Parameters
    ----------
    main
        Reads, refines, writes. Within it :func:`train_shared` uses all processes.

    Returns
    -------
    What ``main`` returns, None in the other processes.

    Raises
    ------
    LostProcessError
        If another process ends before the job does, or does not answer for five minutes while they train.
    """
    global _groups
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
        return main()
    dist.init_process_group("gloo", timeout=_IDLE)
    idle = dist.group.WORLD
    assert idle is not None
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    work = dist.new_group(backend=backend, timeout=TIMEOUT)
    assert isinstance(work, dist.ProcessGroup)
    _groups = _Groups(idle, work)
    try:
        if dist.get_rank() > 0:
            _serve(_groups)
            return None
        try:
            return main()
        finally:
            if _groups is not None:  # all are there: let them go
                with reached():
                    dist.broadcast_object_list([None], src=0, group=_groups.idle)
    finally:
        if _groups is not None:
            dist.destroy_process_group()
            _groups = None


def shared() -> bool:
    """Whether this job has several processes, which wait to train (:func:`run`)."""
    return _groups is not None


def train_shared(
    network: Module,
    data: HeteroData,
    objectives: Sequence[Objective],
    plan: TrainingPlan,
    *,
    seed: int,
    progress: bool = False,
    checkpoint: Path | None = None,
    tiles: Sequence[Tile] | None = None,
    stopped: Event | None = None,
) -> History:
    """:func:`train` on all processes of the job (:func:`run`): each takes a part of the cells, all take all genes.

    The loss and its gradient are those of one process, up to the order of summation. Parameters are as in
    :func:`train`; the first process cuts the graph, sends the shards and keeps the checkpoint. ``tiles`` and
    ``stopped`` are for one process alone.

    Raises
    ------
    InputError
        If the network cannot be shared (:func:`scrcl_graph.nn.check_sharding`).
    LostProcessError
        If a process is lost on the way.
    """
    global _groups
    if _groups is None:
        return train(
            network,
            data,
            objectives,
            plan,
            seed=seed,
            progress=progress,
            checkpoint=checkpoint,
            tiles=tiles,
            stopped=stopped,
        )
    check_sharding(network)
    size, device = _groups.work.size(), data["cell"].x.device
    n_cells = data["cell"].num_nodes
    if n_cells < 2 * size:
        raise InputError(f"{n_cells} cells are too few for {size} processes: start fewer")
    job = _Job(copy.deepcopy(network).cpu(), objectives, plan, seed, device.type == "cuda")
    try:
        message = pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as err:
        raise InputError(
            f"a layer or objective cannot be sent to the other processes: define it in an importable module ({err})"
        ) from err
    groups, _groups = _groups, None  # whatever fails from here on, the others are not waiting for work
    with reached():
        dist.broadcast_object_list([message], src=0, group=groups.idle)
    unknown = _agree(None, groups.work)
    if unknown is not None:
        _groups = groups
        raise InputError(f"a layer or objective must be in a module that all processes can import: {unknown}")
    shards = cut(data, by_locality(data["cell"].x.float().cpu().numpy(), size))
    own = next(shards)
    for process, shard in enumerate(shards, start=1):
        _send(pickle.dumps(shard), process, groups.idle)
    _wait_for_all(groups)
    team = Team(own, device, groups.work)
    own_data = own.to_hetero().to(device)
    history = train(
        network, own_data, objectives, plan, seed=seed, progress=progress, checkpoint=checkpoint, sharing=team
    )
    _groups = groups
    epochs = max(1, len(history["total"]))
    logger.info(
        "trained on %d processes: %d cells and %d of the others in the first; it sent %.3f MB an epoch",
        size,
        len(own.nodes["cell"]["x"]),
        sum(own.receives),
        team.sent / epochs / 1e6,
    )
    return history


def _serve(groups: _Groups) -> None:
    """Train with the first process whenever it does."""
    while True:
        box: list[bytes | None] = [None]
        with reached():
            dist.broadcast_object_list(box, src=0, group=groups.idle)
        if box[0] is None:
            return
        try:
            job, unknown = pickle.loads(box[0]), None
        except (AttributeError, ImportError) as err:
            job, unknown = None, str(err)
        if _agree(unknown, groups.work) is not None:
            continue
        assert isinstance(job, _Job)
        shard: Shard = pickle.loads(_receive(groups.idle))
        _wait_for_all(groups)
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if job.on_gpu else torch.device("cpu")
        team = Team(shard, device, groups.work)
        data = shard.to_hetero().to(device)
        train(job.network.to(device), data, job.objectives, job.plan, seed=job.seed, sharing=team)


def _wait_for_all(groups: _Groups) -> None:
    """Until every process has its shard, which takes as long as the cutting of the graph."""
    with reached():
        dist.barrier(group=groups.idle)


def _agree(problem: str | None, group: dist.ProcessGroup) -> str | None:
    """The first problem that a process has, known to all."""
    problems: list[Any] = [None] * group.size()
    with reached():
        dist.all_gather_object(problems, problem, group=group)
    return next((found for found in problems if found is not None), None)


def _send(message: bytes, process: int, group: dist.ProcessGroup) -> None:
    whole = torch.frombuffer(bytearray(message), dtype=torch.uint8)
    with reached():
        for part in (torch.tensor([len(whole)]), *whole.split(_CHUNK)):
            dist.send(part, process, group=group)


def _receive(group: dist.ProcessGroup) -> bytes:
    length = torch.zeros(1, dtype=torch.int64)
    with reached():
        dist.recv(length, 0, group=group)
        whole = torch.empty(int(length), dtype=torch.uint8)
        for part in whole.split(_CHUNK):
            dist.recv(part, 0, group=group)
    return whole.numpy().tobytes()
