"""Several networks on one graph, each on cores of its own where none of them draws random numbers."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import torch
from torch.nn import Module
from torch_geometric.data import HeteroData

from scrcl_graph._settings import threads_kept
from scrcl_graph.objectives import Objective
from scrcl_graph.train.checkpoint import History
from scrcl_graph.train.loop import losses
from scrcl_graph.train.plan import TrainingPlan
from scrcl_graph.train.processes import shared, train_shared
from scrcl_graph.train.tiles import Tile, cut_in_tiles, in_tiles


@dataclass(frozen=True)
class Run:
    """One network to be trained: the arguments of :func:`train` that are its own."""

    network: Module
    objectives: Sequence[Objective]
    plan: TrainingPlan
    seed: int
    checkpoint: Path | None = None


def train_runs(runs: Sequence[Run], data: HeteroData, *, progress: bool = False) -> list[History]:
    """Train each network on the graph, the cores of a CPU divided among them; the networks differ in weights only.

    A full-batch step is a chain of products too small to fill several cores: on two, networks side by side were faster
    than one after another with both cores each. They hold their hidden layers at the same time.

    Torch has one random state per process, which runs that draw from it (dropout, an objective that samples) would mix
    up: those are trained one after another, as on a GPU or where several processes share every network
    (:func:`train_shared`). A graph of more than ``plan.tile_cells`` cells is cut once, for all networks.

    Networks and graph are in single precision before and after, also where the plan trains in double.

    Returns
    -------
    As :func:`train`, in the order of ``runs``. They do not depend on which run is done first.
    """
    if runs[0].plan.double_precision:
        for run in runs:
            run.network.double()
        try:
            return _train_runs(runs, in_double(data), progress)
        finally:
            for run in runs:
                run.network.float()
    return _train_runs(runs, data, progress)


def in_double(data: HeteroData) -> HeteroData:
    """The graph with its values in double precision."""
    doubled: HeteroData = copy.copy(data).apply(lambda x: x.double() if x.is_floating_point() else x)
    return doubled


def _train_runs(runs: Sequence[Run], data: HeteroData, progress: bool) -> list[History]:
    stopped = Event()
    tiles = None if shared() else cut_in_tiles(runs[0].network, data, runs[0].plan.tile_cells)

    def one(run: Run) -> History:
        return train_shared(
            run.network,
            data,
            run.objectives,
            run.plan,
            seed=run.seed,
            progress=progress,
            checkpoint=run.checkpoint,
            tiles=tiles,
            stopped=stopped,
        )

    cores = torch.get_num_threads()
    at_once = min(len(runs), cores)
    if at_once < 2 or data["cell"].x.is_cuda or shared() or _draws(runs[0], data, tiles):
        return [one(run) for run in runs]
    # Each run forks the random state of the process: only the outermost fork brings back what was there.
    with threads_kept(), torch.random.fork_rng(devices=[]), ThreadPoolExecutor(at_once, "training") as pool:
        torch.set_num_threads(cores // at_once)
        futures = [pool.submit(one, run) for run in runs]
        try:
            return [future.result() for future in futures]
        except BaseException:  # also Ctrl-C: the others end with their epoch, and keep their checkpoints
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise


@torch.no_grad()
def _draws(run: Run, data: HeteroData, tiles: list[Tile] | None) -> bool:
    """Whether a step of training draws from torch's random state, as tried on copies."""
    try:
        network, objectives = copy.deepcopy((run.network, run.objectives))
    except (TypeError, RuntimeError):  # a part that cannot be copied may hold a random state of its own
        return True
    with torch.random.fork_rng(devices=[]):
        before = torch.get_rng_state()
        losses(in_tiles(network.train(), tiles), data, objectives, run.plan)
        return not torch.equal(before, torch.get_rng_state())
