"""The training loop: full batch, whole or in tiles, one device, alone or as one of several processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from threading import Event

import torch
from torch import Tensor
from torch.nn import Module
from torch_geometric.data import HeteroData
from tqdm import trange

from scrcl_graph._errors import InputError
from scrcl_graph._files import replacing
from scrcl_graph._registry import Registry
from scrcl_graph.nn import ALONE, Alone, Views
from scrcl_graph.objectives import Batch, Objective
from scrcl_graph.train import checkpoint as checkpoints
from scrcl_graph.train.checkpoint import History
from scrcl_graph.train.plan import TrainingPlan
from scrcl_graph.train.tiles import Tile, in_tiles

OPTIMIZERS = Registry("optimizer", {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW})


def train(
    network: Module,
    data: HeteroData,
    objectives: Sequence[Objective],
    plan: TrainingPlan,
    *,
    seed: int,
    progress: bool = False,
    checkpoint: Path | None = None,
    sharing: Alone = ALONE,
    tiles: Sequence[Tile] | None = None,
    stopped: Event | None = None,
) -> History:
    """Minimise the weighted sum of the objectives on the whole graph; the network is changed in place.

    Parameters
    ----------
    network
        From ``HeteroData`` to :class:`scrcl_graph.nn.Views`, on the device of ``data``.
    data
        The graph. The objectives see its spatial edges where there are some, else its edges by similarity.
    objectives
        Each is weighted by ``plan.weights[objective.name]``.
    plan
        Length, optimiser and stopping rule.
    seed
        Of dropout. The global random state of torch is left as it was.
    progress
        Show a bar.
    checkpoint
        File that keeps the state every ten seconds and at the end; training goes on from there, to the same bits on
        a CPU as if it had not been stopped.
    sharing
        How this process adds up over and reads from those that have the other cells; ``data`` is its shard.
    tiles
        The cells of ``data``, of which hidden layers are held for one tile at a time (:class:`InTiles`).
    stopped
        Ends the training after the epoch in which it is set.

    Returns
    -------
    The value of ``"total"`` and of each objective, per epoch.

    Raises
    ------
    InputError
        If the file holds no state of this network, or a loss is not finite.
    """
    device = data["cell"].x.device
    on_gpu = device.type == "cuda"
    optimizer = OPTIMIZERS.find(plan.optimizer)(
        network.parameters(), lr=plan.lr, weight_decay=plan.weight_decay, fused=True
    )
    history: History = {name: [] for name in ("total", *(objective.name for objective in objectives))}
    forward = in_tiles(network.train(), tiles)
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.manual_seed(seed)
        state = sharing.told(checkpoint.read_bytes() if checkpoint is not None and checkpoint.exists() else None)
        if state is not None:
            try:
                history = checkpoints.unpack(state, network, optimizer, device)
            except ValueError as err:
                raise InputError(f"{checkpoint} cannot be resumed: delete it to begin anew ({err})") from err
        saved = time.monotonic()
        begun = len(history["total"])
        found: list[dict[str, Tensor]] = []
        for epoch in trange(begun, plan.epochs, desc="training", unit="epoch", disable=not progress, leave=False):
            if epoch % plan.window == 0:
                _read(found, history)
                if plan.tolerance is not None and has_settled(history["total"], plan.tolerance, plan.window):
                    break
            if stopped is not None and stopped.is_set():
                break
            optimizer.zero_grad()
            values = losses(forward, data, objectives, plan, sharing)
            (values["total"] / sharing.size).backward()
            found.append({name: value.detach() / sharing.size for name, value in values.items()})
            gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
            sharing.add_in_place([*found[-1].values(), *gradients])
            optimizer.step()
            if checkpoint is not None and time.monotonic() - saved >= checkpoints.INTERVAL:
                _read(found, history)
                _save(checkpoint, checkpoints.pack(network, optimizer, history, device))
                saved = time.monotonic()
        _read(found, history)
        if checkpoint is not None:
            _save(checkpoint, checkpoints.pack(network, optimizer, history, device))
    network.eval()
    return history


def losses(
    forward: Callable[..., Views],
    data: HeteroData,
    objectives: Sequence[Objective],
    plan: TrainingPlan,
    sharing: Alone = ALONE,
) -> dict[str, Tensor]:
    """The value of each objective on the whole graph, and their weighted sum as ``"total"``."""
    graph = "adjacent_to" if ("cell", "adjacent_to", "cell") in data.edge_types else "similar_to"
    with torch.autocast("cuda", dtype=torch.bfloat16, enabled=data["cell"].x.is_cuda):
        views = forward(data) if sharing.size == 1 else forward(data, sharing)
    batch = Batch(
        views.at_least_single(),
        data["cell", graph, "cell"].edge_index,
        data["cell"].x,
        data["gene"].decoder,
        plan.tau,
        sharing.total,
        sharing.gather,
    )
    values = {objective.name: objective(batch) for objective in objectives}
    values["total"] = torch.stack([plan.weights[name] * value for name, value in values.items()]).sum()
    return values


def has_settled(losses: Sequence[float], tolerance: float, window: int) -> bool:
    """Whether the mean of the last ``window`` losses fell by less than ``tolerance`` (relative) from the window before.

    It is asked every ``window`` epochs, and reads nothing but the loss, so no label reaches the choice of the last one.
    """
    if len(losses) < 2 * window:
        return False
    before = sum(losses[-2 * window : -window])
    return before - sum(losses[-window:]) < tolerance * abs(before)


def _read(found: list[dict[str, Tensor]], history: History) -> None:
    """Move losses to the history; seldom, as a GPU that is asked for a value must first end all it was given."""
    for values in found:
        for name, value in zip(values, torch.stack(list(values.values())).tolist(), strict=True):
            if not isfinite(value):
                raise InputError(
                    f"the objective '{name}' is {value} in epoch {len(history['total']) + 1}: if it grew until "
                    "then, lower the learning rate; else a layer or an objective gives values that are not finite"
                )
            history[name].append(value)
    found.clear()


def _save(path: Path, state: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(state)
