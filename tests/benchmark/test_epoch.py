from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch_geometric.data import HeteroData

from scrcl_graph._matrix import Matrix
from scrcl_graph.benchmark.epoch import dense_loss, linear_loss, paper_graph
from scrcl_graph.io import read_h5ad
from scrcl_graph.model.build import Sources, build
from scrcl_graph.nn import PaperNetwork
from scrcl_graph.objectives import Batch
from scrcl_graph.presets import get_preset


def one_epoch(data: HeteroData, loss: Callable[[Batch], Tensor], hidden: int) -> tuple[float, dict[str, Tensor]]:
    """The loss, and every gradient, of the first epoch of the preset ``paper``."""
    torch.manual_seed(0)
    network = PaperNetwork(len(data["cell"].x), len(data["gene"].x), n_clusters=8, hidden_dim=hidden)
    graph = data["cell", "similar_to", "cell"].edge_index
    value = loss(Batch(network(data), graph, data["cell"].x, data["gene"].decoder))
    value.backward()
    return float(value.detach()), {
        name: weight.grad for name, weight in network.named_parameters() if weight.grad is not None
    }


def same(data: HeteroData, hidden: int) -> None:
    linear, linear_gradients = one_epoch(data, linear_loss, hidden)
    dense, dense_gradients = one_epoch(data, dense_loss, hidden)
    assert linear == pytest.approx(dense, rel=1e-5)
    assert linear_gradients.keys() == dense_gradients.keys()
    for name, gradient in linear_gradients.items():
        size = dense_gradients[name].norm()
        assert (gradient - dense_gradients[name]).norm() <= 1e-3 * size + 1e-7, name


def test_an_epoch_of_the_paper_equals_its_dense_form() -> None:
    same(paper_graph(200), hidden=64)


@pytest.mark.slow
def test_an_epoch_of_the_paper_equals_its_dense_form_on_real_counts(data_dir: Path) -> None:
    adata = read_h5ad(data_dir / "10X_PBMC.h5ad")
    sources = Sources(Matrix(adata.X, "counts"), tuple(adata.var_names))
    same(build(sources, get_preset("paper"), seed=0).reference.to_hetero(), hidden=1500)
