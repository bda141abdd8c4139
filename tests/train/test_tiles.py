from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import Module
from torch_geometric.data import HeteroData

from scrcl_graph import InputError
from scrcl_graph.nn import PaperNetwork, RefinementNetwork
from scrcl_graph.objectives import make_objectives
from scrcl_graph.train import History, InTiles, Run, TrainingPlan, cut_in_tiles, train_runs
from scrcl_graph.train.loop import losses
from scrcl_graph.train.side_by_side import in_double

OBJECTIVES, WEIGHTS = make_objectives(TrainingPlan().weights)
PLAN = TrainingPlan(weights=WEIGHTS, epochs=12, tolerance=None)


@pytest.fixture
def double(data: HeteroData) -> HeteroData:
    """The graph in double precision, in which equality is no accident."""
    return in_double(data)


def _network(data: HeteroData, **layers: str) -> RefinementNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        widths = data["cell"].x.size(1), data["gene"].x.size(1)
        network = RefinementNetwork(*widths, hidden_dim=16, out_dim=4, layers=layers)
    return network.to(data["cell"].x.dtype)


def _gradients(network: Module) -> dict[str, Tensor]:
    return {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize(
    "layers",
    [
        {},
        {"expressed_in": "association_attention"},
        {"cell-cell": "sage", "gene-gene": "gatv2"},
        {"cell-cell": "gatv2"},
    ],
    ids=["default", "attention", "sage", "gatv2"],
)
@pytest.mark.parametrize("n_cells", [80, 20])
def test_values_and_gradients_are_those_of_the_whole_graph(
    double: HeteroData, n_cells: int, layers: dict[str, str]
) -> None:
    whole, tiled = _network(double, **layers), _network(double, **layers)
    tiles = cut_in_tiles(tiled, double, n_cells)
    assert tiles is not None
    assert max(len(tile.cells) for tile in tiles) <= n_cells
    assert torch.equal(torch.cat([tile.cells for tile in tiles]).sort().values, torch.arange(150))
    for network, forward in ((whole, whole), (tiled, InTiles(tiled, tiles))):
        for _ in range(2):  # the second time the layers remember sums
            network.zero_grad()
            losses(forward, double, OBJECTIVES, PLAN)["total"].backward()
    wanted, got = _gradients(whole), _gradients(tiled)
    assert wanted.keys() == got.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(got[name], gradient, rtol=1e-9, atol=1e-10)
    one, other = whole(double), InTiles(tiled, tiles)(double)
    for a, b in zip(
        (*one.hidden, *vars(one.scores).values()), (*other.hidden, *vars(other.scores).values()), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_a_graph_that_is_no_larger_is_not_cut(data: HeteroData) -> None:
    assert cut_in_tiles(_network(data), data, 150) is None
    assert cut_in_tiles(_network(data), data, None) is None


@pytest.mark.parametrize("layers", [{"cell-cell": "gcn"}, {"similar_to": "boundary_attention"}], ids=str)
def test_a_layer_that_needs_all_cells_is_refused_by_name(data: HeteroData, layers: dict[str, str]) -> None:
    with pytest.raises(InputError, match=f"the layer '{next(iter(layers.values()))}' on 'similar_to'.*without tiles"):
        cut_in_tiles(_network(data, **layers), data, 50)


def test_empty_tiles_are_refused(data: HeteroData) -> None:
    with pytest.raises(InputError, match="tile_cells is 0"):
        cut_in_tiles(_network(data), data, 0)


def test_the_network_of_the_paper_is_refused(data: HeteroData) -> None:
    paper = PaperNetwork(data["cell"].x.size(1), 60, 3, hidden_dim=8)
    with pytest.raises(InputError, match="not a PaperNetwork: run one process, without tiles"):
        cut_in_tiles(paper, data, 50)


def _train(
    data: HeteroData, tile_cells: int, folder: Path | None = None, epochs: int = 12
) -> tuple[list[History], Tensor]:
    plan = replace(PLAN, tile_cells=tile_cells, epochs=epochs)
    networks = [_network(data) for _ in range(2)]
    runs = [Run(one, OBJECTIVES, plan, i, folder and folder / str(i)) for i, one in enumerate(networks)]
    return train_runs(runs, data), torch.cat([parameter.detach().flatten() for parameter in networks[1].parameters()])


def test_runs_in_tiles_learn_what_runs_on_the_whole_graph_learn(double: HeteroData) -> None:
    start = torch.cat([parameter.detach().flatten() for parameter in _network(double).parameters()])
    whole, weights = _train(double, 150)
    tiled, same = _train(double, 40)
    assert (weights - start).abs().max() > 1e-3
    torch.testing.assert_close(same, weights, rtol=1e-7, atol=1e-8)
    for one, other in zip(whole, tiled, strict=True):
        assert other["total"] == pytest.approx(one["total"], rel=1e-9, abs=0)


def test_runs_in_tiles_give_the_same_bits_again_and_after_a_stop(data: HeteroData, tmp_path: Path) -> None:
    wanted, weights = _train(data, 40)
    _train(data, 40, tmp_path, epochs=5)
    resumed, again = _train(data, 40, tmp_path)
    assert resumed == wanted
    assert torch.equal(again, weights)
