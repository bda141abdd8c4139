from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn import Module
from torch_geometric.nn import HeteroConv, SAGEConv

from scrcl_graph.gr import propagation
from scrcl_graph.nn import BipartiteConvolution, GeneConvolution, GraphConvolution, ops

N, M = 14, 9


def _symmetric(n: int, signed: bool) -> sp.csr_matrix:
    upper = sp.triu(sp.random(n, n, 0.3, format="csr", random_state=0), k=1).toarray()
    upper[4], upper[:, 4] = 0, 0  # node 4 is isolated
    if signed:
        upper *= np.random.default_rng(0).choice([-1, 1], (n, n))
    else:
        upper = (upper > 0).astype(np.float64)
    return sp.csr_matrix(upper + upper.T, dtype=np.float32)


def _expression() -> sp.csr_matrix:
    dense = sp.random(N, M, 0.4, random_state=1).toarray()
    dense[4] = 0
    return sp.csr_matrix(dense, dtype=np.float32)


def _graph_formula(layer: Module, A: Tensor, x: Tensor) -> Tensor:
    A = (A != 0).double() + torch.eye(len(A), dtype=torch.float64)
    root = A.sum(dim=1).rsqrt()
    return layer.linear(root[:, None] * A * root @ x)


def _gene_formula(layer: Module, A: Tensor, x: Tensor) -> Tensor:
    share = A / A.abs().sum(dim=1, keepdim=True).clamp_min(1e-30)
    return x @ layer.own.weight.T + layer.own.bias + share @ x @ layer.others.weight.T


def _bipartite_formula(layer: Module, A: Tensor, x: Tensor) -> Tensor:
    return A @ x @ layer.linear.weight.T


CASES = {
    "graph_narrowing": (GraphConvolution, (6, 3), propagation(_symmetric(N, signed=False)), _graph_formula),
    "graph_widening": (GraphConvolution, (3, 6), propagation(_symmetric(N, signed=False)), _graph_formula),
    "gene": (GeneConvolution, (4, 5), _symmetric(N, signed=True), _gene_formula),
    "bipartite": (BipartiteConvolution, (4, 5), _expression(), _bipartite_formula),
}
Case = tuple[Module, sp.csr_matrix, Tensor, Callable[[Module, Tensor, Tensor], Tensor]]


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    kind, channels, matrix, formula = CASES[request.param]
    torch.manual_seed(0)
    x = torch.randn(matrix.shape[1], channels[0], dtype=torch.float64)
    return kind(*channels).double(), matrix, x, formula


def _run(layer: Module, matrix: sp.csr_matrix, x: Tensor, *, fused: bool = True, double: bool = True) -> Tensor:
    edges, weight = ops.edges_from_csr(matrix)
    size = {"size": matrix.shape[::-1]} if isinstance(layer, BipartiteConvolution) else {}
    return layer(x, edges if fused else edges.as_tensor(), weight.double() if double else weight, **size)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("trained_input", [True, False])
def test_value_and_gradients_equal_the_dense_formula(case: Case, fused: bool, trained_input: bool) -> None:
    layer, matrix, x, formula = case
    dense = torch.from_numpy(matrix.toarray()).double()
    x.requires_grad_(trained_input)
    leaves = [*layer.parameters(), *([x] if trained_input else [])]
    got, want = _run(layer, matrix, x, fused=fused), formula(layer, dense, x)
    torch.testing.assert_close(got, want, rtol=1e-6, atol=1e-6)  # the weights on the edges are float32
    upstream = torch.randn_like(want)
    for a, b in zip(
        torch.autograd.grad(got, leaves, upstream), torch.autograd.grad(want, leaves, upstream), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


def test_edge_index_and_plain_tensor_give_the_same(case: Case) -> None:
    layer, matrix, x, _ = case
    torch.testing.assert_close(_run(layer, matrix, x), _run(layer, matrix, x, fused=False), rtol=1e-12, atol=1e-12)


def test_edges_sorted_by_source_give_the_same(case: Case) -> None:
    layer, matrix, x, _ = case
    edges, weight = ops.edges_from_csr(matrix)
    by_source, order = edges.sort_by("row")
    size = {"size": matrix.shape[::-1]} if isinstance(layer, BipartiteConvolution) else {}
    got = layer(x, by_source, weight.double()[order], **size)
    torch.testing.assert_close(got, _run(layer, matrix, x), rtol=1e-12, atol=1e-12)


def test_permuting_nodes_permutes_the_output(case: Case) -> None:
    layer, matrix, x, _ = case
    rng = np.random.default_rng(3)
    rows = rng.permutation(matrix.shape[0])
    cols = rng.permutation(matrix.shape[1]) if isinstance(layer, BipartiteConvolution) else rows
    torch.testing.assert_close(_run(layer, matrix[rows][:, cols], x[cols]), _run(layer, matrix, x)[rows])


def test_an_isolated_node_hears_itself_only(case: Case) -> None:
    layer, matrix, x, _ = case
    other = x.clone()
    if isinstance(layer, BipartiteConvolution):
        assert not _run(layer, matrix, x)[4].any()
    else:
        other[torch.arange(N) != 4] += 1
        assert torch.equal(_run(layer, matrix, other)[4], _run(layer, matrix, x)[4])
        assert _run(layer, matrix, x)[4].any()


def test_an_input_changed_in_place_is_summed_anew(case: Case) -> None:
    layer, matrix, x, formula = case
    edges, weight = ops.edges_from_csr(matrix)
    weight = weight.double()
    size = {"size": matrix.shape[::-1]} if isinstance(layer, BipartiteConvolution) else {}
    first = layer(x, edges, weight, **size)
    assert torch.equal(layer(x, edges, weight, **size), first)
    x.mul_(2)
    dense = torch.from_numpy(matrix.toarray()).double()
    torch.testing.assert_close(layer(x, edges, weight, **size), formula(layer, dense, x), rtol=1e-6, atol=1e-6)


def test_parameters_changed_between_calls_are_used(case: Case) -> None:
    layer, matrix, x, formula = case
    edges, weight = ops.edges_from_csr(matrix)
    weight = weight.double()
    size = {"size": matrix.shape[::-1]} if isinstance(layer, BipartiteConvolution) else {}
    layer(x, edges, weight, **size)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.3)
    dense = torch.from_numpy(matrix.toarray()).double()
    torch.testing.assert_close(layer(x, edges, weight, **size), formula(layer, dense, x), rtol=1e-6, atol=1e-6)


def test_another_size_gives_another_number_of_destinations() -> None:
    edges, weight = ops.edges_from_csr(_expression())
    layer, x, plain = BipartiteConvolution(2, 3), torch.randn(M, 2), edges.as_tensor()
    assert layer(x, plain, weight, size=(M, N)).shape == (N, 3)
    assert layer(x, plain, weight, size=(M, N + 2)).shape == (N + 2, 3)


def test_our_layers_mix_with_stock_ones_in_hetero_conv() -> None:
    torch.manual_seed(0)
    x = {"cell": torch.randn(N, 4), "gene": torch.randn(M, 3)}
    matrices = {
        ("cell", "similar_to", "cell"): propagation(_symmetric(N, signed=False)),
        ("gene", "coexpressed_with", "gene"): _symmetric(M, signed=True),
        ("gene", "expressed_in", "cell"): _expression(),
        ("cell", "expresses", "gene"): _expression().T.tocsr(),
    }
    edges = {relation: ops.edges_from_csr(matrix) for relation, matrix in matrices.items()}
    ours = {
        ("cell", "similar_to", "cell"): GraphConvolution(4, 5),
        ("gene", "coexpressed_with", "gene"): GeneConvolution(3, 5),
        ("gene", "expressed_in", "cell"): BipartiteConvolution(3, 5),
    }
    stock = SAGEConv((4, 3), 5)
    out = HeteroConv({**ours, ("cell", "expresses", "gene"): stock})(
        x,
        {relation: edge_index for relation, (edge_index, _) in edges.items()},
        edge_weight_dict={relation: edges[relation][1] for relation in ours},
    )
    similar, coexpressed, expressed = (
        _run(layer, matrices[relation], x[relation[0]], double=False) for relation, layer in ours.items()
    )
    back = stock((x["cell"], x["gene"]), edges["cell", "expresses", "gene"][0])
    torch.testing.assert_close(out["cell"], similar + expressed)
    torch.testing.assert_close(out["gene"], coexpressed + back)
