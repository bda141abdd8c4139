"""The graph as PyG and networkx see it, from plain arrays and without training."""

import networkx as nx

import scrcl_graph.gr as gr
from scrcl_graph import datasets

planted = datasets.plant(n_cells=300, n_genes=150, n_types=3)
counts = planted.counts.log1p()
coordinates = gr.join([gr.correspondence(counts, 10), gr.pca(counts, 10)], counts)
cells = coordinates.transform(counts)
data = gr.cell_gene_graph(
    cell_x=cells,
    gene_x=coordinates.genes,
    expression=gr.correspondence_kernel(counts),
    similar=gr.propagation(gr.cell_knn(cells)),
    adjacent=gr.propagation(gr.spatial_neighbors(planted.positions)),
    coexpressed=gr.gene_correlation(counts),
)
print(data)

genes = gr.to_networkx(data, [gr.COEXPRESSED])
print(f"{genes.number_of_nodes()} genes, {genes.number_of_edges()} correlation edges")
print(f"connected components of the gene graph: {nx.number_connected_components(genes)}")
