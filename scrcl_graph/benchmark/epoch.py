"""One epoch of the preset ``paper``: the objectives as N x N matrices, and in linear time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import torch
import typer
from torch import Tensor
from torch_geometric.data import HeteroData

from scrcl_graph import datasets
from scrcl_graph import objectives as ob
from scrcl_graph._matrix import Matrix
from scrcl_graph.benchmark.process import measured
from scrcl_graph.model.build import Sources, build
from scrcl_graph.nn import PaperNetwork
from scrcl_graph.presets import get_preset

_EPOCHS = 3


def epoch_table(sizes: list[int]) -> str:
    """A Markdown table, one row per number of cells."""
    lines = [
        "| cells | dense: s per epoch | peak GB | linear: s per epoch | peak GB | relative difference of the loss |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for size in sizes:
        dense, linear = (measured(run_one, size, form) for form in ("dense", "linear"))
        (dense_seconds, dense_loss), (linear_seconds, linear_loss) = dense.value, linear.value
        difference = abs(dense_loss - linear_loss) / abs(dense_loss)
        lines.append(
            f"| {size:,} | {dense_seconds:.2f} | {dense.gigabytes:.1f} | {linear_seconds:.2f} | {linear.gigabytes:.1f} "
            f"| {difference:.1e} |"
        )
        typer.echo(lines[-1], err=True)
    return "\n".join(lines)


def run_one(n_cells: int, form: str) -> tuple[float, float]:
    """Seconds per epoch, and the loss of the first epoch."""
    warnings.simplefilter("ignore")
    data = paper_graph(n_cells)
    torch.manual_seed(0)
    network = PaperNetwork(n_cells, len(data["gene"].x), n_clusters=10)
    return time_epochs(network, data, dense_loss if form == "dense" else linear_loss)


def paper_graph(n_cells: int) -> HeteroData:
    """Synthetic counts as the preset ``paper`` sees them."""
    planted = datasets.plant(n_cells, 2000, 10, module_size=40)
    genes = tuple(map(str, range(2000)))
    return build(Sources(Matrix(planted.counts, "counts"), genes), get_preset("paper"), seed=0).reference.to_hetero()


def time_epochs(network: PaperNetwork, data: HeteroData, loss: Callable[[ob.Batch], Tensor]) -> tuple[float, float]:
    """Seconds per epoch (the fastest of three), and the loss of the first."""
    plan = get_preset("paper").plan
    optimizer = torch.optim.Adam(network.parameters(), lr=plan.lr, weight_decay=plan.weight_decay)
    seconds, values = [], []
    for epoch in range(_EPOCHS):
        torch.manual_seed(epoch)
        started = time.perf_counter()
        optimizer.zero_grad()
        graph = data["cell", "similar_to", "cell"].edge_index
        value = loss(ob.Batch(network(data), graph, data["cell"].x, data["gene"].decoder, plan.tau))
        value.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - started)
        values.append(float(value.detach()))
    return min(seconds), values[0]


def linear_loss(batch: ob.Batch) -> Tensor:
    """The total of the paper, from sums and sparse products."""
    return ob.Alignment()(batch) + 100 * ob.NeighbourhoodContrast()(batch) + ob.Consistency()(batch)


def dense_loss(batch: ob.Batch) -> Tensor:
    """The total of the paper, as written: N x N matrices of divergences, similarities and adjacency."""
    e1, e2 = batch.views.embeddings
    n = len(e1)
    sources, targets = batch.graph.as_tensor()
    linked = torch.eye(n)
    linked[targets, sources] = 1.0
    l1, l2 = (e1 / batch.tau).log_softmax(dim=1), (e2 / batch.tau).log_softmax(dim=1)
    p1, p2 = l1.exp(), l2.exp()
    divergence = (p1 * l1).sum(1)[:, None] - p1 @ l2.T + (p2 * l2).sum(1)[None, :] - l1 @ p2.T
    near = (divergence * linked).sum(1) / linked.sum(1)
    others = (divergence.sum(1) - divergence.diagonal()) / (n - 1)
    z1, z2 = batch.views.refined
    consistency = ((z1 @ z2.T - linked) ** 2).mean()
    return ob.Alignment()(batch) + 100 * (near / others).mean() + consistency
