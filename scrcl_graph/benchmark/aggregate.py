"""Ways to add up messages: seconds of a forward and backward pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.nn import SAGEConv

from scrcl_graph.nn import ops

_REPEATS = 7


def aggregate_table(n_nodes: int, n_neighbors: int, width: int, device: str) -> str:
    """A Markdown table for a random graph: sums of messages, and what is reduced per destination."""
    n_edges = n_nodes * n_neighbors
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(n_nodes), n_neighbors)
    values = rng.random(n_edges, dtype=np.float32)
    matrix = sp.csr_matrix((values, (rows, rng.integers(n_nodes, size=n_edges))), shape=(n_nodes, n_nodes))
    edges, weight = ops.edges_from_csr(matrix)
    edges, weight = edges.to(device), weight.to(device)
    plain = edges.as_tensor()
    x = torch.randn(n_nodes, width, device=device, requires_grad=True)
    scores = torch.randn(len(weight), 4, device=device, requires_grad=True)
    sage = SAGEConv(width, width).to(device)

    def gather_scatter() -> Tensor:
        return torch.zeros_like(x).index_add(0, plain[1], weight[:, None] * x[plain[0]])

    ways: dict[str, Callable[[], Tensor]] = {
        "messages: gather and scatter": gather_scatter,
        "messages: SAGEConv of PyG": lambda: sage(x, plain),
        "messages: ops.spmm (CSR, cached transpose)": lambda: ops.spmm(edges, x, weight),
    }
    backends: tuple[ops.Backend, ...] = ("torch", "torch-scatter")
    for backend in backends:
        if backend == "torch-scatter":
            if not ops.HAS_SCATTER:
                continue
            ways["messages: gather and torch-scatter"] = partial(_gather_segment, edges, x, weight)
        for reduce in ops.REDUCTIONS:
            ways[f"segment {reduce}: {backend}"] = partial(ops.segment, edges, scores, reduce, backend=backend)
        ways[f"segment softmax: {backend}"] = partial(ops.segment_softmax, edges, scores, backend=backend)
    lines = [f"| {len(weight):,} edges, {n_nodes:,} nodes, {device} | ms |", "| --- | --- |"]
    for name, way in ways.items():
        lines.append(f"| {name} | {1e3 * seconds(way, device):.0f} |")
    return "\n".join(lines)


def _gather_segment(edges: EdgeIndex, x: Tensor, weight: Tensor) -> Tensor:
    return ops.segment(edges, weight[:, None] * x[edges.as_tensor()[0]], backend="torch-scatter")


def seconds(way: Callable[[], Tensor], device: str) -> float:
    """Of one forward and backward pass, the fastest of several; the caches of the edges are filled before."""
    found = []
    for _ in range(_REPEATS + 1):
        started = time.perf_counter()
        way().square().sum().backward()
        if device != "cpu":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - started)
    return min(found[1:])
