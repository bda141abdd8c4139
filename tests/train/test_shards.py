from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch_geometric.data import HeteroData

from scrcl_graph import gr
from scrcl_graph.datasets import plant
from scrcl_graph.nn.ops import csr_from_edges
from scrcl_graph.train.shards import by_locality, cut

RELATIONS = [gr.SIMILAR, gr.ADJACENT]


@pytest.fixture(scope="module")
def data() -> HeteroData:
    planted = plant(90, 40, 3, module_size=8, density=0.3)
    x = np.random.default_rng(0).normal(size=(90, 5)).astype(np.float32)
    graph = gr.cell_gene_graph(
        cell_x=x,
        gene_x=np.ones((40, 5), np.float32),
        expression=planted.counts,
        similar=gr.propagation(gr.cell_knn(x, 4)),
        adjacent=gr.propagation(gr.spatial_neighbors(planted.positions)),
        coexpressed=gr.gene_correlation(planted.counts, 3),
    )
    graph["gene"].decoder = torch.ones(40, 5)
    return graph


def _matrix(data: HeteroData, relation: tuple[str, str, str]) -> sp.csr_matrix:
    return csr_from_edges(data[relation].edge_index, data[relation].edge_weight)


def test_parts_are_equal_and_lie_close_together() -> None:
    centres = np.repeat(np.array([[0.0, 0], [9, 0], [0, 5], [9, 5]]), 25, axis=0)
    x = centres + np.random.default_rng(0).normal(scale=0.5, size=(100, 2))
    order = np.random.default_rng(1).permutation(100)
    parts = by_locality(x[order], 4)
    assert {frozenset(order[part] // 25) for part in parts} == {frozenset([i]) for i in range(4)}
    assert [len(part) for part in by_locality(x, 3)] == [33, 33, 34]
    assert sorted(np.concatenate(by_locality(x, 3))) == list(range(100))
    assert len(by_locality(x, 1)) == 1


@pytest.mark.parametrize("n_parts", [1, 2, 3])
def test_the_shards_have_every_edge_once_and_fetch_the_rows_they_need(data: HeteroData, n_parts: int) -> None:
    parts = by_locality(data["cell"].x.numpy(), n_parts)
    shards = list(cut(data, parts))
    label = np.arange(90.0)  # a feature that tells which cell it is
    own = [label[part] for part in parts]
    for process, (part, shard) in enumerate(zip(parts, shards, strict=True)):
        fetched = [own[other][shards[other].sends[process]] for other in range(n_parts)]
        assert [len(rows) for rows in fetched] == shard.receives
        sources = np.concatenate([own[process], *fetched]).astype(int)
        assert len(set(sources)) == len(sources)
        local = shard.to_hetero()
        np.testing.assert_array_equal(local["cell"].x, data["cell"].x[part])
        np.testing.assert_array_equal(local["gene"].decoder, data["gene"].decoder)
        for relation in RELATIONS:
            matrix = _matrix(local, relation)
            assert matrix.shape == (len(part), len(sources))
            whole = _matrix(data, relation)[part]
            np.testing.assert_array_equal(matrix.toarray(), whole[:, sources].toarray())
            assert matrix.nnz == whole.nnz
        assert (_matrix(local, gr.EXPRESSED_IN) != _matrix(data, gr.EXPRESSED_IN)[part]).nnz == 0
        assert (_matrix(local, gr.EXPRESSES) != _matrix(data, gr.EXPRESSES)[:, part]).nnz == 0
        assert (_matrix(local, gr.COEXPRESSED) != _matrix(data, gr.COEXPRESSED)).nnz == 0
