from __future__ import annotations

from typing import Any

import pytest
import torch

from scrcl_graph import InputError
from scrcl_graph.nn import PaperNetwork, RefinementNetwork, check_sharding


@pytest.mark.parametrize(
    "layers",
    [
        {},
        {"cell-cell": "sage", "gene-gene": ("gatv2", {"heads": 2})},
        {"cell-cell": "gatv2"},
        {"gene-gene": ("gat", {"dropout": 0.5})},  # every process has all genes, and draws the same
        {"expressed_in": "association_attention"},  # all genes of a cell are in one process
    ],
)
def test_layers_that_give_the_same_in_parts_are_taken(layers: dict[str, Any]) -> None:
    network = RefinementNetwork(4, 4, ("similar_to", "adjacent_to"), hidden_dim=8, out_dim=4, layers=layers)
    network.second["similar_to"].eval()
    before = torch.get_rng_state()
    check_sharding(network)
    assert torch.equal(torch.get_rng_state(), before)
    assert not network.second["similar_to"].training
    assert network.first["similar_to"].training


@pytest.mark.parametrize(
    ("layers", "where"),
    [
        ({"cell-cell": "gcn"}, "'gcn' on 'similar_to'"),  # takes no pair
        ({"adjacent_to": "boundary_attention"}, "'boundary_attention' on 'adjacent_to'"),  # a mean over all edges
        ({"cell-cell": ("gatv2", {"dropout": 0.5})}, "'gatv2' on 'similar_to'"),  # another mask in every part
        ({"expresses": "association_attention"}, "'association_attention' on 'expresses'"),  # softmax over all cells
        ({"expresses": ("sage", {"aggr": "max"})}, "'sage' on 'expresses'"),
    ],
)
def test_layers_that_do_not_are_refused(layers: dict[str, Any], where: str) -> None:
    network = RefinementNetwork(4, 4, ("similar_to", "adjacent_to"), hidden_dim=8, out_dim=4, layers=layers)
    with pytest.raises(InputError, match=f"the layer {where} does not give the same"):
        check_sharding(network)


def test_another_network_cannot_be_shared() -> None:
    with pytest.raises(InputError, match="not a PaperNetwork: run one"):
        check_sharding(PaperNetwork(5, 4, 2, hidden_dim=8))
