"""Cell types of 700 blood cells: refine, look at the genes of each cluster, plot, and label new cells."""

import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np

import scrcl_graph

adata = scrcl_graph.datasets.pbmc68k_reduced()
half = np.random.default_rng(0).permutation(adata.n_obs)
train, new = adata[half[:500]].copy(), adata[half[500:]].copy()

folder = Path(tempfile.mkdtemp())
scrcl_graph.tl.refine(train, n_clusters=8, model_path=folder / "model")
print(train.obs["scrcl"].value_counts())
scrcl_graph.tl.associations(train)
print(scrcl_graph.get.associations(train, n_genes=3, max_padj=0.05))

scrcl_graph.pl.umap(train).get_figure().savefig(folder / "umap.png")
scrcl_graph.pl.association_heatmap(train).get_figure().savefig(folder / "genes.png")

scrcl_graph.tl.apply(new, folder / "model")
print(new.obs["scrcl"].value_counts())
print(f"figures and model in {folder}")
