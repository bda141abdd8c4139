from __future__ import annotations

import pytest
import torch
from torch_geometric.data import HeteroData

from scrcl_graph import _preprocess as pre
from scrcl_graph import gr
from scrcl_graph.datasets import Planted, plant


@pytest.fixture(scope="module")
def planted_data() -> Planted:
    return plant(150, 60, 3, module_size=10, density=0.3)


@pytest.fixture(scope="module")
def data(planted_data: Planted) -> HeteroData:
    log_X = pre.log_normalize(planted_data.counts, "counts")
    coordinates = gr.join([gr.pca(log_X, 8)], log_X)
    cell_x = coordinates.transform(log_X)
    graph = gr.cell_gene_graph(
        cell_x=cell_x,
        gene_x=coordinates.genes,
        expression=gr.correspondence_kernel(log_X),
        similar=gr.propagation(gr.cell_knn(cell_x, 8)),
        coexpressed=gr.gene_correlation(log_X, 4),
    )
    graph["gene"].decoder = torch.from_numpy(coordinates.decoder)
    return graph
