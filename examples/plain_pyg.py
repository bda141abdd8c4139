"""Both ways: a plain PyG model on our graph, and our network on a graph made with networkx."""

import networkx as nx
import numpy as np
import scipy.sparse as sp
import torch
from torch_geometric.nn import HGTConv

from scrcl_graph import ScRCL, datasets, gr
from scrcl_graph.nn import RefinementNetwork

# A hand-written heterogeneous graph transformer predicts each cell's coordinates from its genes.
planted = datasets.plant(n_cells=200, n_genes=120, n_types=3)
data = ScRCL(3, random_state=0).fit(planted.counts).graph_


class HGT(torch.nn.Module):
    def __init__(self, data, width):
        super().__init__()
        self.conv = HGTConv(data.num_node_features, width, data.metadata(), heads=2)
        self.out = torch.nn.Linear(width, data["cell"].x.size(1))

    def forward(self, data):
        edges = {relation: edge_index.as_tensor() for relation, edge_index in data.edge_index_dict.items()}
        return self.out(self.conv(data.x_dict, edges)["cell"].relu())


torch.manual_seed(0)
model = HGT(data, 32)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(20):
    optimizer.zero_grad()
    loss = (model(data) - data["cell"].x).square().mean()
    loss.backward()
    optimizer.step()
    if epoch % 19 == 0:
        print(f"epoch {epoch}: {loss.item():.3f}")

# Our network on a graph that was never an expression matrix: people, and the events they went to.
events = nx.davis_southern_women_graph()
people, places = events.graph["top"], events.graph["bottom"]
went = sp.csr_matrix(nx.bipartite.biadjacency_matrix(events, people, places), dtype=np.float32)
met = sp.csr_matrix(nx.to_scipy_sparse_array(nx.bipartite.projected_graph(events, people), people), dtype=np.float32)
shared = sp.csr_matrix(nx.to_scipy_sparse_array(nx.bipartite.projected_graph(events, places), places), dtype=np.float32)
graph = gr.cell_gene_graph(
    cell_x=np.eye(len(people), dtype=np.float32),
    gene_x=np.eye(len(places), dtype=np.float32),
    expression=gr.correspondence_kernel(went),
    similar=gr.propagation(met),
    coexpressed=shared,
)
views = RefinementNetwork(len(people), len(places), layers={"cell-cell": "gatv2"})(graph)
print("people:", tuple(views.hidden[1].shape), "events:", tuple(views.weight.shape))
