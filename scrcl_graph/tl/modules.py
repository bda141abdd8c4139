"""Modules of genes that are expressed together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from scrcl_graph import stats
from scrcl_graph._adata.results import expression, factors
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph._seeds import check_seed
from scrcl_graph.gr import cell_knn
from scrcl_graph.model import AssociationFactors
from scrcl_graph.tl._checks import check_copy


def gene_modules(
    adata: AnnData,
    *,
    resolution: float = 1.0,
    n_neighbors: int = 10,
    layer: str | None = None,
    key: str = "scrcl",
    random_state: int = 0,
    copy: bool = False,
) -> AnnData | None:
    """Modules from the gene graph and the model's gene vectors, kept where measured expression confirms them.

    Genes are linked to those whose association scores correlate most with theirs over the cells, and by the positive
    edges of the gene graph; modules are Louvain communities. A gene stays in its module where it correlates with the
    other genes of it more than genes do whose values were shuffled over the cells and that were grouped alike
    (5 % false discovery rate).

    Parameters
    ----------
    adata
        After :func:`refine`.
    resolution
        Larger finds more and smaller modules.
    n_neighbors
        Genes that each gene is linked to.
    layer
        Matrix to confirm the modules in; by default the one that :func:`refine` read.
    key
        ``key_added`` of :func:`refine`.
    random_state
        Seed.
    copy
        Return a copy with the results instead of writing to ``adata``.

    Returns
    -------
    None, or with ``copy`` the annotated copy. Sets the following fields:

    ``var[key + "_modules"]``
        Module ``"0"``, ``"1"``, ... from the largest to the smallest; missing for genes in none (categorical).
    ``var[key + "_modules_membership"]``
        Correlation with the other genes of the community, confirmed or not (float64).
    ``obsm[key + "_modules"]``
        Score of each module in each cell: the mean z-score of its genes (float32).
    ``uns[key + "_modules"]``
        ``stability`` of each module: its mean best Jaccard index with modules found from each of the networks that
        were trained from different seeds; NaN where there was one network. ``resolution`` as given.

    Raises
    ------
    InputError
        If there are no results under ``key``, no module can be confirmed, or ``n_neighbors`` is not below the number of
        genes.
    """
    check_copy(adata, copy)
    keys, seed = Keys(key), check_seed(random_state)
    model, used = factors(adata, key)
    if n_neighbors < 1 or len(used) <= n_neighbors:
        raise InputError(
            f"each of the {len(used)} genes cannot have {n_neighbors} neighbours: give another n_neighbors"
        )
    log_X = expression(adata, adata.var_names[used], layer, key).log
    graph = adata.varp[keys.gene_connectivities][used][:, used].maximum(0).sign()
    model = model.take(genes=used)
    null = stats.null_membership(log_X, n_neighbors=n_neighbors, resolution=resolution, seed=seed)

    def find(vectors: AssociationFactors) -> tuple[stats.Labels, stats.Values]:
        links = sp.csr_matrix(graph + cell_knn(vectors.profiles(), n_neighbors, seed))
        labels = stats.gene_communities(links, resolution=resolution, seed=seed)
        r = stats.membership(log_X, labels)
        return stats.confirmed(labels, r, null), r

    labels, r = find(model)
    n_modules = int(labels.max()) + 1
    if n_modules == 0:
        raise InputError("no module of genes is confirmed by the measured expression: there may be none in these cells")
    n_runs = int(adata.uns[keys.key]["params"]["n_runs"])
    others = [find(run)[0] for run in model.split(n_runs)] if n_runs > 1 else []
    names = [str(i) for i in range(n_modules)]
    codes, member = np.full(adata.n_vars, -1), np.full(adata.n_vars, np.nan)
    codes[used], member[used] = labels, r
    target = adata.copy() if copy else adata
    target.var[keys.modules] = pd.Categorical.from_codes(codes, categories=names)
    target.var[keys.membership] = member
    target.obsm[keys.modules] = stats.module_scores(log_X, labels)
    target.uns[keys.modules] = {"stability": stats.recovery(labels, others), "resolution": resolution}
    return target if copy else None
