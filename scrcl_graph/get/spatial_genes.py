"""The genes of each domain, and how they vary over the tissue."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from scrcl_graph._adata.results import expression
from scrcl_graph._adata.tissue import read_tissue
from scrcl_graph._keys import Keys
from scrcl_graph._settings import threads_kept
from scrcl_graph.get.associations import associations
from scrcl_graph.model import AssociationFactors


def spatial_genes(
    adata: AnnData,
    *,
    key: str = "scrcl",
    layer: str | None = None,
    spatial_key: str | None = None,
    library_key: str | None = None,
    n_neighbors: int = 6,
    n_genes: int | None = None,
) -> pd.DataFrame:
    """Spatially variable genes of each domain: the table of :func:`associations` with Moran's I.

    Parameters are as in :func:`scrcl_graph.tl.domain_statistics`, after :func:`scrcl_graph.tl.associations`; ``layer``
    is the layer with the expression, as there, and ``n_genes`` the number of genes per domain, all by default.

    Returns
    -------
    The columns of :func:`scrcl_graph.get.associations`, best first within a domain, and Moran's I over the spatial
    graph:

    ``morans_i``
        Of the log-normalised expression (:func:`scanpy.metrics.morans_i`).
    ``morans_i_scores``
        Of the association scores. A network that looks at neighbours gives smooth scores: near one for most genes.
    ``morans_i_within``
        Of the association scores, over the cells of the domain alone: low where they do not vary gradually inside it.

    Raises
    ------
    InputError
        If there are no associations under ``key``, or a column, layer or the positions are missing.
    """
    import scanpy as sc

    keys = Keys(key)
    table = associations(adata, key=key, n_genes=n_genes)
    column = adata.uns[keys.associations]["groupby"]
    tissue = read_tissue(adata, column, key, spatial_key, library_key, n_neighbors)
    genes, place = np.unique(adata.var_names.get_indexer(table["gene"]), return_inverse=True)
    cells, factors = adata.obsm[keys.factors][tissue.known], adata.varm[keys.genes][genes]
    measured = expression(adata, adata.var_names[genes], layer, key).log[tissue.known]
    with threads_kept(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # genes that are constant over these cells: NaN
        table["morans_i"] = np.asarray(sc.metrics.morans_i(tissue.adjacency, sp.csr_matrix(measured.T)))[place]
    table["morans_i_scores"] = AssociationFactors(cells, factors).morans_i(tissue.adjacency)[place]
    table["morans_i_within"] = np.nan
    for code, name in enumerate(tissue.groups.categories):
        own, here = tissue.groups.codes == code, (table["group"] == name).to_numpy()
        within = AssociationFactors(cells[own], factors).morans_i(tissue.adjacency[own][:, own])
        table.loc[here, "morans_i_within"] = within[place[here]]
    return table
