"""Aggregation over edges: the one place where sparse kernels are called.

Edges are held in a :class:`torch_geometric.EdgeIndex` sorted by destination. It is an ordinary ``edge_index`` tensor to
any PyG layer, and caches the compressed rows of the graph and of its transpose, which is what a fast forward and
backward pass needs (PyG's own ``EdgeIndex.matmul`` fails in the backward pass of a bipartite graph, so the product is
written here).
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.autograd import Function
from torch_geometric import EdgeIndex

with warnings.catch_warnings():  # torch says once per process that CSR is in beta; say it to nobody
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor(torch.tensor([0, 1]), torch.tensor([0]), torch.ones(1), size=(1, 1))

HAS_SCATTER = find_spec("torch_scatter") is not None
Reduce = Literal["sum", "mean", "max"]
REDUCTIONS: tuple[Reduce, ...] = ("sum", "mean", "max")
Backend = Literal["auto", "torch", "torch-scatter"]


def edges_from_csr(matrix: sp.csr_matrix) -> tuple[EdgeIndex, Tensor]:
    """Edges and weights of a sparse matrix whose entry (i, j) carries a message from j to i.

    Parameters
    ----------
    matrix
        Destinations x sources.

    Returns
    -------
    ``EdgeIndex`` (2 x edges, sources above destinations, sorted by destination) and float32 weights.
    """
    matrix = matrix.tocsr()
    if not matrix.has_sorted_indices:
        matrix = matrix.sorted_indices()  # a copy: the one given stays as it is
    destination = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    pairs = torch.from_numpy(np.stack([matrix.indices.astype(np.int64), destination]))
    edges = EdgeIndex(pairs, sparse_size=(matrix.shape[1], matrix.shape[0]), sort_order="col")
    return edges, torch.from_numpy(matrix.data.astype(np.float32))


def csr_from_edges(edges: EdgeIndex, weight: Tensor | None = None) -> sp.csr_matrix:
    """The destinations x sources matrix of the edges; the inverse of :func:`edges_from_csr`."""
    sources, destinations = edges.as_tensor().cpu().numpy()
    values = np.ones(len(sources), np.float32) if weight is None else weight.detach().cpu().numpy()
    n_sources, n_destinations = edges.get_sparse_size()
    return sp.csr_matrix((values, (destinations, sources)), shape=(n_destinations, n_sources))


def degree(edges: EdgeIndex) -> Tensor:
    """Number of incoming edges per destination, int64."""
    (pointer, _), _ = edges.get_csc()
    count: Tensor = pointer.diff()
    return count


def spmm(edges: EdgeIndex, x: Tensor, weight: Tensor | None = None) -> Tensor:
    r"""Sum of weighted messages, :math:`y_i = \sum_{j \to i} w_{ji} x_j`.

    Parameters
    ----------
    edges
        Sorted by destination.
    x
        Sources x d.
    weight
        One value per edge, or None for ones. May require a gradient.

    Returns
    -------
    Destinations x d. The order of summation is fixed by the edges, so a CPU gives the same bits every time; a GPU does
    where torch is asked to (``torch.use_deterministic_algorithms``), with one message in memory for every edge.
    """
    if not edges.is_sorted_by_col:
        raise ValueError("the edges must be sorted by destination: EdgeIndex(..., sort_order='col')")
    product = _summed_messages if x.is_cuda and torch.are_deterministic_algorithms_enabled() else _SpMM.apply
    with torch.autocast(x.device.type, enabled=False):  # sparse products have no half precision
        result: Tensor = product(edges, at_least_single(x), None if weight is None else at_least_single(weight))
    return result


def sorted_by_destination(edge_index: Tensor, size: tuple[int, int]) -> tuple[EdgeIndex, Tensor | None]:
    """Any ``edge_index`` as edges sorted by destination, and the order its weights have to be taken in.

    Parameters
    ----------
    edge_index
        2 x edges. An :class:`~torch_geometric.EdgeIndex` that is sorted already comes back as it is, with None.
    size
        (sources, destinations).
    """
    if isinstance(edge_index, EdgeIndex) and edge_index.is_sorted_by_col:
        return edge_index, None
    plain = edge_index.as_tensor() if isinstance(edge_index, EdgeIndex) else edge_index
    order = torch.argsort(plain[1], stable=True)
    return EdgeIndex(plain[:, order], sparse_size=size, sort_order="col"), order


def segment(edges: EdgeIndex, values: Tensor, reduce: Reduce = "sum", *, backend: Backend = "auto") -> Tensor:
    r"""One value per edge reduced per destination.

    Parameters
    ----------
    edges
        Sorted by destination.
    values
        Edges, or edges x d.
    reduce
        ``"sum"``, ``"mean"`` or ``"max"``. A destination without edges gets 0.
    backend
        ``"torch"``, ``"torch-scatter"`` (which must be installed), or ``"auto"``: torch-scatter on a CPU where
        it is installed, which is faster there (docs/layers.md). The values are the same.

    Returns
    -------
    Destinations, or destinations x d.
    """
    if _with_scatter(backend, values):
        from torch_scatter import segment_csr

        (pointer, _), _ = edges.get_csc()
        fast: Tensor = segment_csr(values, pointer, reduce=reduce)
        return fast
    target = edges.as_tensor()[1]
    column = (-1, *[1] * (values.dim() - 1))
    out = values.new_zeros(edges.get_sparse_size(1), *values.shape[1:])
    if reduce == "max":
        where = target.view(column).expand_as(values)
        return out.scatter_reduce(0, where, values, "amax", include_self=False)
    out = out.index_add(0, target, values)
    return out if reduce == "sum" else out / degree(edges).clamp_min(1).view(column)


def segment_softmax(edges: EdgeIndex, logits: Tensor, *, backend: Backend = "auto") -> Tensor:
    r"""Softmax over the edges into each destination, :math:`e^{l_e} / \sum_{e' \to i} e^{l_{e'}}`.

    Parameters
    ----------
    edges
        Sorted by destination.
    logits
        Edges, or edges x heads.
    backend
        As for :func:`segment`.

    Returns
    -------
    Of the shape of ``logits``; the values into each destination that has edges add to one.
    """
    target = edges.as_tensor()[1]
    largest = segment(edges, logits.detach(), "max", backend=backend)
    mass = (logits - largest[target]).exp()
    return mass / segment(edges, mass, backend=backend)[target]


def at_least_single(x: Tensor) -> Tensor:
    """In single precision what comes in half."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _with_scatter(backend: Backend, values: Tensor) -> bool:
    if backend == "torch-scatter" and not HAS_SCATTER:
        raise ImportError("torch-scatter is not installed: see docs/layers.md, or choose the backend 'torch'")
    return HAS_SCATTER and backend != "torch" and (backend != "auto" or values.device.type == "cpu")


def _summed_messages(edges: EdgeIndex, x: Tensor, weight: Tensor | None) -> Tensor:
    """The product by sums whose order torch can fix on a GPU, where that of its sparse product is not."""
    source, target = edges.as_tensor()
    messages = x[source] if weight is None else weight[:, None] * x[source]
    return x.new_zeros(edges.get_sparse_size(1), x.size(1)).index_add(0, target, messages)


class _SpMM(Function):
    @staticmethod
    def forward(ctx: Any, edges: EdgeIndex, x: Tensor, weight: Tensor | None) -> Tensor:
        ctx.edges = edges
        ctx.save_for_backward(x, weight)
        return _product(_csr(edges, weight, x), x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = None
        if ctx.needs_input_grad[1]:
            grad_x = _product(_csr(ctx.edges, weight, x, transposed=True), grad)
        if ctx.needs_input_grad[2]:
            sources, targets = ctx.edges.as_tensor()
            grad_weight = (grad[targets] * x[sources]).sum(dim=1)
        return None, grad_x, grad_weight


def _product(matrix: Tensor, x: Tensor) -> Tensor:
    """Sparse times dense, without the copy of the result that torch's own product makes."""
    return x.new_zeros(matrix.size(0), x.size(1)).addmm_(matrix, x)


def _csr(edges: EdgeIndex, weight: Tensor | None, x: Tensor, *, transposed: bool = False) -> Tensor:
    """The matrix of the edges, destinations x sources, or its transpose; ones without weights."""
    pointer, indices, order = _compressed(edges, transposed)
    values = x.new_ones(len(indices)) if weight is None else weight if order is None else weight[order]
    size = edges.get_sparse_size() if transposed else edges.get_sparse_size()[::-1]
    return torch.sparse_csr_tensor(pointer, indices, values, size=size, check_invariants=False)


def _compressed(edges: EdgeIndex, transposed: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """Row pointers and columns of the matrix of the edges or of its transpose, and the order of the weights in it.

    In 32 bits, which MKL takes as they are where it first copies 64, and kept with the edges.
    """
    name = "_compressed_transpose" if transposed else "_compressed"
    if not hasattr(edges, name):
        (pointer, indices), order = edges.get_csr() if transposed else edges.get_csc()
        fits = edges.size(1) < 2**31
        setattr(edges, name, (pointer.int() if fits else pointer, indices.int() if fits else indices, order))
    kept: tuple[Tensor, Tensor, Tensor | None] = getattr(edges, name)
    return kept
