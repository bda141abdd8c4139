from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.nn.functional import leaky_relu
from torch_geometric.data import HeteroData

from scrcl_graph import _preprocess as pre
from scrcl_graph import gr
from scrcl_graph.datasets import Planted, plant
from scrcl_graph.nn import PaperNetwork

CELLS, GENES = 60, 40


@pytest.fixture(scope="module")
def planted_data() -> Planted:
    return plant(CELLS, GENES, 3, module_size=8, density=0.3)


def _graph(data: Planted, counts: sp.csr_matrix | None = None) -> HeteroData:
    """As scrcl_graph.model.build makes it: raw counts on the edges, cosine kNN of cells, Euclidean kNN of genes."""
    log_X = pre.log_normalize(data.counts, "counts")
    coordinates = gr.join([gr.pca(log_X, 8, scale=False)], log_X)
    cell_x = coordinates.transform(log_X)
    cell_x /= np.linalg.norm(cell_x, axis=1, keepdims=True)
    return gr.cell_gene_graph(
        cell_x=cell_x,
        gene_x=coordinates.genes,
        expression=data.counts if counts is None else counts,
        similar=gr.propagation(gr.cell_knn(cell_x, 6)),
        coexpressed=gr.gene_knn(data.counts, 5),
    )


def _network() -> PaperNetwork:
    torch.manual_seed(0)
    return PaperNetwork(CELLS, GENES, n_clusters=3, hidden_dim=7)


def test_forward_equals_the_dense_formulas(planted_data: Planted) -> None:
    data, net = _graph(planted_data), _network().eval()
    X = torch.from_numpy(planted_data.counts.toarray()).double()
    similar = data["cell", "similar_to", "cell"].edge_index.as_tensor()
    A = torch.eye(CELLS, dtype=torch.float64)
    A[similar[1], similar[0]] = 1
    root = A.sum(dim=1).rsqrt()
    hat = root[:, None] * A * root
    genes = torch.from_numpy(gr.gene_knn(planted_data.counts, 5).toarray()).double()
    p = {name: value.detach().double() for name, value in net.named_parameters()}

    own = torch.relu(X @ p["own_view.weight"].T + p["own_view.bias"])
    first = leaky_relu(hat @ X @ p["graph_first.weight"].T + p["graph_first.bias"])
    second = leaky_relu(hat @ first @ p["graph_second.linear.weight"].T + p["graph_second.linear.bias"])
    graph = leaky_relu(second @ p["graph_view.weight"].T + p["graph_view.bias"])
    U = torch.relu(genes @ X.T @ p["gene_encoder.weight"].T + p["gene_encoder.bias"])
    views = net(data)
    for got, want in zip((*views.hidden, views.messages), (own, graph, U), strict=True):
        torch.testing.assert_close(got.double(), want, rtol=1e-5, atol=1e-5)
    for refined, hidden in zip(views.refined, (own, graph), strict=True):
        want = (hidden @ p["projector.weight"].T + p["projector.bias"]) @ U
        torch.testing.assert_close(refined.double(), want / want.norm(dim=1, keepdim=True), rtol=1e-5, atol=1e-5)


def test_dropout_acts_while_training_and_spares_the_views_own_values(planted_data: Planted) -> None:
    data, net = _graph(planted_data), _network()
    quiet = net.eval()(data)
    assert torch.equal(net(data).hidden[1], quiet.hidden[1])
    loud = net.train()(data)
    assert torch.equal(loud.hidden[0], quiet.hidden[0])
    assert not torch.allclose(loud.hidden[1], quiet.hidden[1])
    dropped = loud.projected[0]
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], (quiet.hidden[0] / 0.7)[kept])
    assert (~kept & (quiet.hidden[0] != 0)).any()


def test_cells_that_were_not_trained_on_send_no_message_to_the_genes(planted_data: Planted) -> None:
    more = Planted(
        sp.csr_matrix(sp.vstack([planted_data.counts, planted_data.counts[:5]])),
        planted_data.types,
        planted_data.modules,
        planted_data.positions,
        planted_data.domains,
    )
    net = _network().eval()
    data, longer = _graph(planted_data), _graph(more)
    longer["gene", "coexpressed_with", "gene"].update(data["gene", "coexpressed_with", "gene"])
    views, with_new = net(data), net(longer)
    assert with_new.hidden[0].shape == (CELLS + 5, 7)
    torch.testing.assert_close(with_new.messages, views.messages)
    torch.testing.assert_close(with_new.hidden[0][CELLS:], views.hidden[0][:5])
