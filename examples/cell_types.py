"""Cell types of 700 blood cells: refine, look at the genes of each cluster, plot, and label new cells.

``python cell_types.py FOLDER`` says where figures and model go; FOLDER/model must not be there yet.
"""

import sys
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np

import scrcl_graph

adata = scrcl_graph.datasets.pbmc68k_reduced()
half = np.random.default_rng(0).permutation(adata.n_obs)
train, new = adata[half[:500]].copy(), adata[half[500:]].copy()

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
scrcl_graph.tl.refine(train, n_clusters=8, model_path=folder / "model")
print(train.obs["scrcl"].value_counts())
scrcl_graph.tl.associations(train)
table = scrcl_graph.get.associations(train, n_genes=3, max_padj=0.05)
print(table[["group", "gene", "effect", "padj"]].to_string(index=False))

scrcl_graph.pl.umap(train).get_figure().savefig(folder / "umap.png")
scrcl_graph.pl.association_heatmap(train).get_figure().savefig(folder / "genes.png")

scrcl_graph.tl.apply(new, folder / "model")
print(new.obs["scrcl"].value_counts())
print(f"figures and model in {folder}")
