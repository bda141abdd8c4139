from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp
from torch_geometric.data import HeteroData

from scrcl_graph import _preprocess as pre
from scrcl_graph import gr
from scrcl_graph.datasets import Planted, plant

Build = Callable[..., HeteroData]


@pytest.fixture(scope="session")
def build() -> Build:
    """Makes the graph of the default method from planted data, its cells in the order given."""

    def make(data: Planted, order: np.ndarray | None = None) -> HeteroData:
        log_X = pre.log_normalize(data.counts, "counts")
        cell_x = gr.pca(log_X, 8).transform(log_X)
        order = np.arange(len(cell_x)) if order is None else order

        def among(graph: sp.csr_matrix) -> sp.csr_matrix:
            return gr.propagation(graph)[order][:, order]

        return gr.cell_gene_graph(
            cell_x=cell_x[order],
            gene_x=gr.correspondence(log_X, 6).genes,
            expression=gr.correspondence_kernel(log_X)[order],
            similar=among(gr.cell_knn(cell_x, 5)),
            adjacent=among(gr.spatial_neighbors(data.positions)),
            coexpressed=gr.gene_correlation(log_X, 4),
        )

    return make


@pytest.fixture(scope="session")
def planted_counts() -> Planted:
    return plant(80, 50, 3, module_size=8, density=0.3)
