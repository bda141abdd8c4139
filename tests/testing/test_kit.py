from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from torch import Tensor
from torch.nn import Linear, Module

from scrcl_graph.nn import ops
from scrcl_graph.objectives import OBJECTIVES, Batch
from scrcl_graph.testing import ContractError, check_clusterer, check_layer, check_objective


class Sum(Module):
    """Keeps all contracts; the others below break one each."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = Linear(in_channels, out_channels)

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        edges, order = ops.sorted_by_destination(edge_index, (len(x), len(x)))
        out: Tensor = self.linear(x) + ops.spmm(
            edges, self.linear(x), edge_weight if order is None else edge_weight[order]
        )
        return out


class Positional(Sum):
    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        return super().forward(x + torch.arange(len(x))[:, None], edge_index, edge_weight)


class Single(Sum):
    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        return super().forward(x, edge_index, edge_weight).float()


class Detached(Sum):
    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        return self.linear(x) + super().forward(x, edge_index, edge_weight).detach()


class Global(Sum):
    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        return super().forward(x, edge_index, edge_weight) + x.mean()


class Deaf(Sum):
    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        return self.linear(x)


class Unsorted(Sum):
    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        edges, _ = ops.sorted_by_destination(edge_index, (len(x), len(x)))
        return self.linear(x) + ops.spmm(edges, self.linear(x), edge_weight)  # the weights stay where they were


class Unsaved(Sum):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.hidden = torch.randn(out_channels).double()

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        return super().forward(x, edge_index, edge_weight) + self.hidden.to(x.dtype)


class Random(Sum):
    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        return super().forward(x, edge_index, edge_weight) + 1e-13 * torch.rand(1).to(x.dtype)


class Dividing(Sum):
    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        return super().forward(x, edge_index, edge_weight) / edge_weight.mean()


BROKEN = {
    "shape": Single,
    "gradient": Detached,
    "isolated node": Global,
    "empty relation": Dividing,
    "permutation": Positional,
    "edge_index": Unsorted,
    "repeatable": Random,
    "save and load": Unsaved,
}


def test_a_sound_layer_keeps_every_contract() -> None:
    assert set(BROKEN) | {"half precision"} <= set(check_layer(Sum))


@pytest.mark.parametrize("contract", BROKEN)
def test_a_broken_contract_is_named_with_the_layer(contract: str) -> None:
    with pytest.raises(
        ContractError, match=f"the layer '{BROKEN[contract].__name__}' on 'cell-cell' breaks the contract '{contract}'"
    ):
        check_layer(BROKEN[contract])


def test_a_layer_that_passes_no_message_is_found_out() -> None:
    with pytest.raises(ContractError, match="no message is passed"):
        check_layer(Deaf)


@pytest.mark.parametrize("name", OBJECTIVES.entries)
def test_objectives_of_ours_conform_and_shard(name: str) -> None:
    assert check_objective(name, shards=True) == ["scalar", "gradient", "permutation", "shards"]


def vector(batch: Batch) -> Tensor:
    return batch.views.hidden[0].mean(dim=1)


def constant(batch: Batch) -> Tensor:
    return batch.cell_x.mean()


def ordered(batch: Batch) -> Tensor:
    return (batch.views.hidden[0][:, 0] * torch.arange(len(batch.cell_x))).sum()


def unshared(batch: Batch) -> Tensor:
    return batch.views.hidden[0].square().mean()


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (vector, "the objective 'vector' breaks the contract 'scalar'"),
        (constant, "'gradient'"),
        (ordered, "'permutation': cells in another order give another value"),
        (unshared, "'shards': the halves do not add to the whole"),
    ],
)
def test_broken_objectives_are_named(objective: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        check_objective(objective, shards=True)


def test_a_claim_that_is_not_made_is_not_checked() -> None:
    assert check_objective(unshared) == ["scalar", "gradient", "permutation"]


@pytest.mark.parametrize("name", ["kmeans", "mixture", "communities", "merge"])
def test_clusterers_of_ours_and_of_sklearn_conform(name: str) -> None:
    assert len(check_clusterer(name)) == len(check_clusterer((KMeans, {"n_init": 3}))) == 5


class Halves:
    def __init__(self, n_clusters: int) -> None:
        self.n_clusters = n_clusters

    def fit_predict(self, X: np.ndarray) -> np.ndarray:
        return (np.arange(len(X)) % 2).astype(np.int64)


class Fractions(Halves):
    def fit_predict(self, X: np.ndarray) -> np.ndarray:
        return X[:, 0]


@pytest.mark.parametrize(
    ("clusterer", "message"),
    [(Halves, "'groups': four groups that lie well apart"), (Fractions, "'labels': .* must return one whole number")],
)
def test_broken_clusterers_are_named(clusterer: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        check_clusterer(clusterer)
