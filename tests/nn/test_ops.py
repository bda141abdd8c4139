from __future__ import annotations

from collections.abc import Callable

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


Product = Callable[[EdgeIndex, torch.Tensor, torch.Tensor | None], torch.Tensor]
# The second is what a GPU takes where torch has to be deterministic.
products = pytest.mark.parametrize("product", [ops.spmm, ops._summed_messages], ids=["spmm", "messages"])
shapes = pytest.mark.parametrize("shape", [(9, 6), (6, 9), (7, 7)])


@products
@shapes
def test_spmm_equals_the_dense_product(shape: tuple[int, int], product: Product) -> None:
    matrix = _bipartite(*shape)
    edges, weight, x = _double(matrix)
    dense = torch.from_numpy(matrix.astype(np.float32).astype(np.float64).toarray())
    torch.testing.assert_close(product(edges, x, weight), dense @ x, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(product(edges, x, None), (dense != 0).double() @ x, rtol=1e-12, atol=1e-12)
    assert not product(edges, x, weight)[3].any()


@products
@shapes
def test_gradients_of_features_and_weights_are_right(shape: tuple[int, int], product: Product) -> None:
    edges, weight, x = _double(_bipartite(*shape))
    assert gradcheck(lambda a, b: product(edges, a, b), (x.requires_grad_(), weight.requires_grad_()))
    assert gradcheck(lambda a: product(edges, a, None), (x,))


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
    np.testing.assert_array_equal(shuffled.indices, matrix.indices[reverse])  # the matrix given is left as it is


def test_degree_counts_incoming_edges() -> None:
    matrix = _bipartite()
    edges, _ = ops.edges_from_csr(matrix)
    assert ops.degree(edges).tolist() == np.diff(matrix.indptr).tolist()


def test_edges_sorted_by_source_are_refused_rather_than_summed_wrongly() -> None:
    edges, weight, x = _double(_bipartite())
    by_source, order = edges.sort_by("row")
    with pytest.raises(ValueError, match="sorted"):
        ops.spmm(by_source, x, weight[order])


BACKENDS = ("torch", pytest.param("torch-scatter", marks=pytest.mark.skipif(not ops.HAS_SCATTER, reason="no extra")))


def _reduced(matrix: np.ndarray, linked: np.ndarray, reduce: str) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        rows = [getattr(np, reduce)(row[use]) if use.any() else 0.0 for row, use in zip(matrix, linked, strict=True)]
    return np.array(rows)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("reduce", ops.REDUCTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_segments_equal_the_rows_of_the_dense_matrix(
    backend: ops.Backend, reduce: ops.Reduce, dtype: torch.dtype
) -> None:
    matrix = _bipartite()
    edges, weight, _ = _double(matrix)
    weight = weight - 0.5  # so that a maximum can be negative
    dense = csr_of(edges, weight)
    want = torch.from_numpy(_reduced(dense, matrix.toarray() != 0, reduce))
    got = ops.segment(edges, torch.stack([weight, 2 * weight], dim=1).to(dtype), reduce, backend=backend)
    torch.testing.assert_close(got.double(), torch.stack([want, 2 * want], dim=1), rtol=1e-6, atol=1e-6)
    flat = ops.segment(edges, weight.to(dtype), reduce, backend=backend)
    torch.testing.assert_close(flat.double(), want, rtol=1e-6, atol=1e-6)


def csr_of(edges: EdgeIndex, weight: torch.Tensor) -> np.ndarray:
    sources, targets = edges.as_tensor().numpy()
    dense = np.zeros(tuple(reversed(edges.get_sparse_size())))
    dense[targets, sources] = weight.numpy()
    return dense


@pytest.mark.parametrize("backend", BACKENDS)
def test_segment_softmax_adds_to_one_and_ignores_a_shift(backend: ops.Backend) -> None:
    edges, weight, _ = _double(_bipartite())
    logits = 50 * weight  # exp would overflow without the largest taken away in single precision
    share = ops.segment_softmax(edges, logits.float(), backend=backend)
    total = ops.segment(edges, share)
    linked = ops.degree(edges) > 0
    torch.testing.assert_close(total, linked.float(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(
        ops.segment_softmax(edges, logits + 7, backend=backend).float(), share, rtol=1e-5, atol=0
    )
    row = edges.as_tensor()[1] == edges.as_tensor()[1][0]
    torch.testing.assert_close(share[row].double(), logits[row].softmax(0), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_of_segments(backend: ops.Backend) -> None:
    edges, weight, _ = _double(_bipartite())
    for reduce in ops.REDUCTIONS:
        assert gradcheck(lambda v, r=reduce: ops.segment(edges, v, r, backend=backend), weight.requires_grad_())
    assert gradcheck(lambda v: ops.segment_softmax(edges, v, backend=backend), weight.requires_grad_())


@pytest.mark.skipif(ops.HAS_SCATTER, reason="torch-scatter is installed")
def test_a_backend_that_is_not_there_is_refused() -> None:
    edges, weight, _ = _double(_bipartite())
    with pytest.raises(ImportError, match="torch-scatter is not installed"):
        ops.segment(edges, weight, backend="torch-scatter")


def test_half_precision_is_summed_in_single() -> None:
    edges, weight, x = _double(_bipartite())
    got = ops.spmm(edges, x.bfloat16(), weight.float())
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, ops.spmm(edges, x.bfloat16().float(), weight.float()))


def test_any_edge_index_can_be_sorted_by_destination() -> None:
    edges, weight, x = _double(_bipartite())
    assert ops.sorted_by_destination(edges, (6, 9)) == (edges, None)
    mixed = torch.randperm(edges.size(1))
    again, order = ops.sorted_by_destination(edges.as_tensor()[:, mixed], (6, 9))
    assert order is not None
    torch.testing.assert_close(ops.spmm(again, x, weight[mixed][order]), ops.spmm(edges, x, weight))
