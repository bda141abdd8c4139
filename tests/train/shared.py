"""Trains alone and on all processes, and prints how far apart they are; started by test_processes.py with torchrun."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import HeteroData

from scrcl_graph import InputError, gr
from scrcl_graph.datasets import plant
from scrcl_graph.nn import RefinementNetwork
from scrcl_graph.objectives import make_objectives
from scrcl_graph.train import TrainingPlan, checkpoint, run, train, train_shared
from scrcl_graph.train.side_by_side import in_double

RELATIONS = ("similar_to", "adjacent_to")


def graph() -> HeteroData:
    """In double precision, which shows that equality is no accident."""
    planted = plant(120, 50, 3, module_size=8, density=0.3)
    x = np.random.default_rng(0).normal(size=(120, 6)).astype(np.float32)
    data = gr.cell_gene_graph(
        cell_x=x,
        gene_x=x[:50].copy(),
        expression=gr.correspondence_kernel(planted.counts),
        similar=gr.propagation(gr.cell_knn(x, 5)),
        adjacent=gr.propagation(gr.spatial_neighbors(planted.positions)),
        coexpressed=gr.gene_correlation(planted.counts, 3),
    )
    data["gene"].decoder = torch.from_numpy(x[:50] + 1)
    return in_double(data)


def network(**layers: str) -> RefinementNetwork:
    torch.manual_seed(0)
    return RefinementNetwork(6, 6, RELATIONS, hidden_dim=16, out_dim=8, layers=layers).double()


def main(folder: Path) -> dict[str, object]:
    data = graph()
    objectives, weights = make_objectives(TrainingPlan().weights)
    plan = TrainingPlan(weights=weights, epochs=8, tolerance=None)
    alone, shared = network(), network()
    wanted = train(alone, data, objectives, plan, seed=0)
    found = train_shared(shared, data, objectives, plan, seed=0)

    checkpoint.INTERVAL = 0.0
    first, second = network(), network()
    short = TrainingPlan(weights=weights, epochs=5, tolerance=None)
    train_shared(first, data, objectives, short, seed=0, checkpoint=folder / "run")
    resumed = train_shared(second, data, objectives, plan, seed=0, checkpoint=folder / "run")

    def refused(**options: object) -> str:
        try:
            train_shared(
                **{"network": network(), "data": data, "objectives": objectives, "plan": plan, "seed": 0} | options
            )
        except InputError as err:
            return str(err)
        return ""

    return {
        "loss": max(abs(a - b) for name in wanted for a, b in zip(wanted[name], found[name], strict=True)),
        "weights": gap(alone, shared),
        "moved": gap(alone, network()),
        "resumed": resumed == found and gap(shared, second) == 0.0,
        "layer": refused(network=network(**{"cell-cell": "gcn"})),
        "objective": refused(objectives=[lambda batch: 0.0]),
    }


def gap(one: torch.nn.Module, other: torch.nn.Module) -> float:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


if __name__ == "__main__":
    torch.set_num_threads(1)
    result = run(lambda: main(Path(sys.argv[1])))
    if result is not None:
        (Path(sys.argv[1]) / "result.json").write_text(json.dumps(result))
