"""How clusters hang together in the cell graph."""

from __future__ import annotations

import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from scrcl_graph._adata.parts import categories
from scrcl_graph._errors import InputError, missing_extra
from scrcl_graph._keys import Keys


def paga(adata: AnnData, *, key: str = "scrcl", groupby: str | None = None) -> None:
    """PAGA (:func:`scanpy.tl.paga`) between clusters, over the cell graph of the run. Needs the extra ``leiden``.

    Parameters
    ----------
    adata
        After :func:`refine`.
    key
        ``key_added`` of :func:`refine`.
    groupby
        Categorical column of ``obs``; by default the clusters of ``key``. Cells without a value are left out.

    Returns
    -------
    None. Sets ``uns[key + "_paga"]``: ``groupby``, ``domains`` (names, in the order of the rows), ``connectivities``
    and ``connectivities_tree`` (k x k CSR).

    Raises
    ------
    InputError
        If there is no cell graph under ``key`` or no such column, or no edge joins two groups.
    ImportError
        If igraph is not installed; the message names the extra.
    """
    keys = Keys(key)
    if keys.connectivities not in adata.obsp:
        raise InputError(f"there is no cell graph under '{key}': run scrcl_graph.tl.refine first")
    groups = categories(adata, groupby or key)
    known = groups.notna().to_numpy()
    groups = groups.array[known]
    graph = adata.obsp[keys.connectivities][known][:, known]
    row, col = graph.nonzero()
    if not (groups.codes[row] != groups.codes[col]).any():
        raise InputError(f"no edge of the cell graph joins two groups of obs['{groupby or key}']: there is no PAGA")
    try:
        import igraph  # noqa: F401
    except ImportError as err:
        raise missing_extra("igraph", "leiden", "PAGA") from err
    import scanpy as sc

    bare = AnnData(obs=pd.DataFrame({"domain": groups}, index=adata.obs_names[known]))
    bare.obsp["connectivities"] = bare.obsp["distances"] = graph  # of the distances only the pattern is read
    bare.uns["neighbors"] = {}
    sc.tl.paga(bare, groups="domain")
    adata.uns[keys.paga] = {
        "groupby": groupby or key,
        "domains": groups.categories.to_numpy(dtype=object),
        "connectivities": sp.csr_matrix(bare.uns["paga"]["connectivities"]),
        "connectivities_tree": sp.csr_matrix(bare.uns["paga"]["connectivities_tree"]),
    }
