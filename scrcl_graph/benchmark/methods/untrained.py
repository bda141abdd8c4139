"""Ablation: the coordinates that the network of the default preset starts from, with its clusterer and no network."""

from __future__ import annotations

from anndata import AnnData
from numpy.typing import ArrayLike

from scrcl_graph._matrix import Matrix
from scrcl_graph.cluster import choose_k, make_clusterer, unit_rows
from scrcl_graph.model.build import Sources, build
from scrcl_graph.presets import get_preset

PACKAGES = ("scrcl-graph",)


def run(adata: AnnData, n_clusters: int | None, seed: int) -> ArrayLike:
    """Labels of the cells."""
    preset = get_preset("default").suited(adata.n_obs)
    sources = Sources(Matrix(adata.X), tuple(adata.var_names))
    coordinates = unit_rows(build(sources, preset, seed).cells.x)
    k = choose_k(coordinates, seed=seed).k if n_clusters is None else n_clusters
    return make_clusterer(preset.clusterer, k, seed).fit_predict(coordinates)
