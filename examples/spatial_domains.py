"""Tissue domains on three slices: from a file to figures. ``python spatial_domains.py FOLDER`` says where they go."""

import sys
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import scrcl_graph

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())

# Three slices of a synthetic tissue stand for your file; io.read takes .h5ad, a Visium folder or a SpatialData store.
made = scrcl_graph.datasets.synthetic_tissue(500, n_domains=5, n_slices=3, domain_fold=2.0, seed=1)
annotation = made.obs.pop("domain")  # kept from the method, used below to judge it
with tempfile.TemporaryDirectory() as place:
    made.write_h5ad(Path(place) / "tissue.h5ad")
    adata = scrcl_graph.io.read(Path(place) / "tissue.h5ad")

scrcl_graph.tl.domains(adata, n_clusters=5, library_key="slice")
scrcl_graph.tl.domain_statistics(adata)
print(adata.obs["scrcl"].value_counts())
print({name: round(adata.uns["scrcl_domain_statistics"][name], 3) for name in ("chaos", "pas")})
scrcl_graph.tl.associations(adata)
columns = ["group", "gene", "effect", "padj", "morans_i"]
print(scrcl_graph.get.spatial_genes(adata, n_genes=2)[columns].to_string(index=False))

adata.obs["domain"] = annotation
print(f"agreement with what was planted: ARI {scrcl_graph.metrics.score(annotation, adata.obs['scrcl'])['ari']:.2f}")

figures = {
    "tissue": scrcl_graph.pl.spatial(adata),
    "enrichment": scrcl_graph.pl.enrichment(adata),
    "order": scrcl_graph.pl.domain_graph(adata),
    "confusion": scrcl_graph.pl.confusion(adata),
}
for name, ax in figures.items():
    ax.get_figure().savefig(folder / f"spatial_{name}.png", dpi=80)
print(f"figures in {folder}")
