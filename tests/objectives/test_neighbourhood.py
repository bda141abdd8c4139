from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from scrcl_graph.nn import Views
from scrcl_graph.nn.ops import edges_from_csr
from scrcl_graph.objectives import Batch, NeighbourhoodContrast

Check = Callable[..., None]


def dense_contrast(batch: Batch, A: Tensor) -> Tensor:
    p1, p2 = ((h / h.norm(dim=1, keepdim=True) / batch.tau).softmax(dim=1) for h in batch.views.hidden)
    ratio = p1[:, None].log() - p2[None].log()  # cells x cells x dimensions
    D = ((p1[:, None] - p2[None]) * ratio).sum(dim=2)  # KL(p1^i || p2^j) + KL(p2^j || p1^i)
    near = ((A + torch.eye(len(A))) * D).sum(dim=1) / (A.sum(dim=1) + 1)
    others = (D.sum(dim=1) - D.diagonal()) / (len(A) - 1)
    return (near / others).mean()


def test_value_and_gradients_equal_the_dense_formula(check: Check) -> None:
    check(NeighbourhoodContrast(), dense_contrast)


def test_sums_of_two_halves_give_the_whole(check_shards: Check) -> None:
    check_shards(NeighbourhoodContrast())


def test_the_order_of_cells_does_not_matter(problem: Any, permuted: Batch) -> None:
    contrast = NeighbourhoodContrast()
    torch.testing.assert_close(contrast(permuted), contrast(problem.batch), rtol=1e-12, atol=1e-12)


def test_single_precision_holds_on_thousands_of_cells(problem: Any) -> None:
    n = 3000
    generator = torch.Generator().manual_seed(0)
    hidden = tuple(torch.randn(n, 8, generator=generator) for _ in range(2))
    ring = sp.csr_matrix((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    graph = edges_from_csr(sp.csr_matrix(ring + ring.T))[0]
    views = Views(hidden, *(torch.zeros(0) for _ in range(3)))
    single = replace(problem.batch, views=views, graph=graph, tau=0.1)
    double = replace(single, views=replace(views, hidden=tuple(h.double() for h in hidden)))
    values = NeighbourhoodContrast()(single), NeighbourhoodContrast()(double)
    torch.testing.assert_close(values[0].double(), values[1], rtol=1e-4, atol=0)


def test_neighbours_alike_are_rewarded(problem: Any) -> None:
    blocks = torch.eye(5, dtype=torch.float64)[torch.arange(24) // 12]  # cells of one half have one embedding
    views = replace(problem.batch.views, hidden=(blocks, blocks))
    assert NeighbourhoodContrast()(replace(problem.batch, views=views)) < 1e-12  # no edge joins the halves
    assert NeighbourhoodContrast()(problem.batch) > 0.5
