"""The training loop: full batch, one device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import Module
from torch_geometric.data import HeteroData
from tqdm import trange

from scrcl_graph._registry import Registry
from scrcl_graph.objectives import Batch, Objective
from scrcl_graph.train.plan import TrainingPlan

History = dict[str, list[float]]
_OPTIMIZERS = Registry("optimizer", {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW})


def train(
    network: Module,
    data: HeteroData,
    objectives: Sequence[Objective],
    plan: TrainingPlan,
    *,
    seed: int,
    progress: bool = False,
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

    Returns
    -------
    The value of ``"total"`` and of each objective, per epoch.
    """
    device = data["cell"].x.device
    graph = "adjacent_to" if ("cell", "adjacent_to", "cell") in data.edge_types else "similar_to"
    on_gpu = device.type == "cuda"
    optimizer = _OPTIMIZERS.find(plan.optimizer)(network.parameters(), lr=plan.lr, weight_decay=plan.weight_decay)
    history: History = {name: [] for name in ("total", *(objective.name for objective in objectives))}
    network.train()
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.manual_seed(seed)
        for _ in trange(plan.epochs, desc="training", unit="epoch", disable=not progress, leave=False):
            optimizer.zero_grad()
            with torch.autocast("cuda", dtype=torch.bfloat16, enabled=on_gpu):
                views = network(data)
            batch = Batch(
                views.float(), data["cell", graph, "cell"].edge_index, data["cell"].x, data["gene"].decoder, plan.tau
            )
            values = {objective.name: objective(batch) for objective in objectives}
            values["total"] = torch.stack([plan.weights[name] * value for name, value in values.items()]).sum()
            values["total"].backward()
            optimizer.step()
            for name, value in values.items():
                history[name].append(float(value.detach()))
            if plan.tolerance is not None and has_settled(history["total"], plan.tolerance, plan.window):
                break
    network.eval()
    return history


def has_settled(losses: Sequence[float], tolerance: float, window: int) -> bool:
    """Whether the mean of the last ``window`` losses fell by less than ``tolerance`` (relative) from the window before.

    It reads nothing but the loss, so no label can reach the choice of the last epoch.
    """
    if len(losses) < 2 * window:
        return False
    before = sum(losses[-2 * window : -window])
    return before - sum(losses[-window:]) < tolerance * abs(before)
