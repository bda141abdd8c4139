from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.autograd import gradcheck
from torch_geometric import EdgeIndex

from scrcl_graph.nn import ops


def _bipartite(destinations: int = 9, sources: int = 6) -> sp.csr_matrix:
    matrix = sp.random(destinations, sources, 0.4, format="lil", random_state=0)
    matrix[3], matrix[:, 2] = 0, 0  # a destination without messages, a source that sends none
    return matrix.tocsr()


def _double(matrix: sp.csr_matrix) -> tuple[EdgeIndex, torch.Tensor, torch.Tensor]:
    edges, weight = ops.edges_from_csr(matrix)
    torch.manual_seed(0)
    return edges, weight.double(), torch.randn(matrix.shape[1], 4, dtype=torch.float64)


@pytest.mark.parametrize("shape", [(9, 6), (6, 9), (7, 7)])
def test_spmm_equals_the_dense_product(shape: tuple[int, int]) -> None:
    matrix = _bipartite(*shape)
    edges, weight, x = _double(matrix)
    dense = torch.from_numpy(matrix.astype(np.float32).astype(np.float64).toarray())
    torch.testing.assert_close(ops.spmm(edges, x, weight), dense @ x, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(ops.spmm(edges, x), (dense != 0).double() @ x, rtol=1e-12, atol=1e-12)
    assert not ops.spmm(edges, x, weight)[3].any()


@pytest.mark.parametrize("shape", [(9, 6), (6, 9), (7, 7)])
def test_gradients_of_features_and_weights_are_right(shape: tuple[int, int]) -> None:
    edges, weight, x = _double(_bipartite(*shape))
    assert gradcheck(lambda a, b: ops.spmm(edges, a, b), (x.requires_grad_(), weight.requires_grad_()))
    assert gradcheck(lambda a: ops.spmm(edges, a), (x,))


def test_a_graph_without_edges_sends_nothing() -> None:
    edges, weight, x = _double(sp.csr_matrix((5, 3)))
    x.requires_grad_()
    out = ops.spmm(edges, x, weight)
    out.sum().backward()
    assert torch.equal(out, torch.zeros(5, 4, dtype=torch.float64))
    assert not x.grad.any()


def test_the_same_bits_every_time() -> None:
    matrix = sp.random(300, 300, 0.2, format="csr", random_state=1)
    edges, weight = ops.edges_from_csr(matrix)
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((300, 16), dtype=np.float32))
    runs = []
    for _ in range(2):
        leaf = x.clone().requires_grad_()
        out = ops.spmm(edges, leaf, weight)
        (out**2).sum().backward()
        runs.append((out, leaf.grad))
    assert torch.equal(runs[0][0], runs[1][0])
    assert torch.equal(runs[0][1], runs[1][1])


def test_matrix_to_edges_and_back() -> None:
    matrix = _bipartite().astype(np.float32)
    edges, weight = ops.edges_from_csr(matrix)
    assert edges.is_sorted_by_col
    assert edges.get_sparse_size() == (6, 9)
    sources, destinations = edges.as_tensor().numpy()
    assert np.array_equal(matrix.toarray()[destinations, sources], weight)
    assert np.array_equal(ops.csr_from_edges(edges, weight).toarray(), matrix.toarray())
    assert np.array_equal(ops.csr_from_edges(edges).toarray(), matrix.toarray() != 0)


def test_unsorted_rows_give_the_same_edges() -> None:
    matrix = _bipartite().astype(np.float32)
    reverse = np.concatenate([np.arange(*row)[::-1] for row in zip(matrix.indptr, matrix.indptr[1:], strict=False)])
    shuffled = sp.csr_matrix((matrix.data[reverse], matrix.indices[reverse], matrix.indptr), shape=matrix.shape)
    assert not shuffled.has_sorted_indices
    for got, want in zip(ops.edges_from_csr(shuffled), ops.edges_from_csr(matrix), strict=True):
        assert torch.equal(got, want)


def test_degree_counts_incoming_edges() -> None:
    matrix = _bipartite()
    edges, _ = ops.edges_from_csr(matrix)
    assert ops.degree(edges).tolist() == np.diff(matrix.indptr).tolist()


def test_edges_sorted_by_source_are_refused_rather_than_summed_wrongly() -> None:
    edges, weight, x = _double(_bipartite())
    by_source, order = edges.sort_by("row")
    with pytest.raises(ValueError, match="sorted"):
        ops.spmm(by_source, x, weight[order])
