"""Where domains lie to each other, and the genes that vary over the tissue; computed by squidpy where it can."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData
from numpy.typing import NDArray

from scrcl_graph import _preprocess as pre
from scrcl_graph import metrics
from scrcl_graph._errors import InputError, missing_extra
from scrcl_graph._keys import Keys
from scrcl_graph._settings import threads_kept
from scrcl_graph.gr import spatial_neighbors
from scrcl_graph.model import AssociationFactors
from scrcl_graph.tl._source import obs_column, obsm, read_source
from scrcl_graph.tl.associations import associations

_CO_OCCURRENCE_CELLS = 5000  # more are sampled: the cost is quadratic, the ratio of frequencies is not
_DISTANCES = 20


@dataclass(frozen=True)
class _Tissue:
    """The cells that have a group: their positions, slices and graph.

    Attributes
    ----------
    known
        Which cells of the AnnData they are.
    groups
        Group of each, without unused categories.
    positions, library, adjacency
        Theirs.
    """

    known: NDArray[np.bool_]
    groups: pd.Categorical
    positions: NDArray[np.float64]
    library: NDArray[Any] | None
    adjacency: sp.csr_matrix


def domain_statistics(
    adata: AnnData,
    *,
    key: str = "scrcl",
    groupby: str | None = None,
    spatial_key: str = "spatial",
    library_key: str | None = None,
    n_neighbors: int = 6,
    n_permutations: int = 1000,
    random_state: int = 0,
) -> None:
    """Contacts, enrichment, co-occurrence and coherence of tissue domains.

    Parameters
    ----------
    adata
        With domains in ``obs`` and positions in ``obsm``.
    key
        ``key_added`` of the run; names the result.
    groupby
        Categorical column of ``obs``, such as an annotation; by default the clusters of ``key``. Cells without a value
        are left out.
    spatial_key
        Key of ``obsm`` with positions, cells x 2 or 3.
    library_key
        Column of ``obs`` with the slice; cells of different slices are never neighbours.
    n_neighbors
        Spatial neighbours of a cell.
    n_permutations
        Permutations of the domains (within slices) that the enrichment is measured against.
    random_state
        Seed of the permutations, and of the sample for the co-occurrence.

    Returns
    -------
    None. Sets ``uns[key + "_domain_statistics"]``, a dict of

    ``groupby``, ``library_key``
        What was used; "none" for one slice.
    ``domains``
        Names of the k domains, in the order of the rows below.
    ``tissue_order``
        The same names in the order in which they lie in the tissue (:func:`scrcl_graph.metrics.tissue_order`).
    ``contacts``
        k x k: directed edges of the spatial graph between domains (int64).
    ``enrichment``
        k x k: z-score of the contacts against the permutations (:func:`squidpy.gr.nhood_enrichment`); NaN where
        permutations do not vary.
    ``co_occurrence``
        k x k x r: how many times more often a cell of domain i is met within a distance of a cell of domain j than a
        cell of domain i is met there at all (:func:`squidpy.gr.co_occurrence`, in the plane of the first two
        coordinates, of at most 5,000 random cells).
    ``distance``
        r distances, in the unit of the positions.
    ``chaos``, ``pas``
        :func:`scrcl_graph.metrics.chaos` and :func:`scrcl_graph.metrics.pas`.

    Raises
    ------
    InputError
        If the column or the positions are missing, or there is one domain only.
    """
    column = groupby or key
    tissue = _read(adata, column, spatial_key, library_key, n_neighbors)
    groups, names = tissue.groups, tissue.groups.categories.astype(str)
    if len(names) < 2:
        raise InputError(f"obs['{column}'] has {len(names)} domain: statistics compare at least two")
    zscore, counts = _enrichment(tissue, n_permutations, random_state)
    occurrence, distance = _co_occurrence(tissue, random_state)
    adata.uns[Keys(key).domain_statistics] = {
        "groupby": column,
        "library_key": library_key or "none",
        "domains": names.to_numpy(dtype=object),
        "tissue_order": names.to_numpy(dtype=object)[metrics.tissue_order(counts)],
        "contacts": counts,
        "enrichment": zscore,
        "co_occurrence": occurrence,
        "distance": distance,
        "chaos": metrics.chaos(tissue.positions, groups.codes, library=tissue.library),
        "pas": metrics.pas(tissue.positions, groups.codes, library=tissue.library),
    }


def spatial_genes(
    adata: AnnData,
    *,
    key: str = "scrcl",
    groupby: str | None = None,
    layer: str | None = None,
    spatial_key: str = "spatial",
    library_key: str | None = None,
    n_neighbors: int = 6,
    n_genes: int | None = None,
) -> pd.DataFrame:
    """Spatially variable genes of each domain: :func:`associations` with Moran's I.

    Parameters are as in :func:`domain_statistics`; ``layer`` is the layer with the expression, as in :func:`refine`,
    and ``n_genes`` the number of genes per domain, all by default.

    Returns
    -------
    Columns ``group``, ``gene``, ``score`` as in :func:`associations`, best first within a domain, and Moran's I over
    the spatial graph:

    ``morans_i``
        Of the log-normalised expression (:func:`scanpy.metrics.morans_i`).
    ``morans_i_scores``
        Of the association scores. A network that looks at neighbours gives smooth scores: near one for most genes.
    ``morans_i_within``
        Of the association scores, over the cells of the domain alone: low where they do not vary gradually inside it.

    Raises
    ------
    InputError
        If there are no results under ``key``, or a column, layer or the positions are missing.
    """
    keys = Keys(key)
    column = groupby or key
    table = associations(adata, key=key, groupby=column, n_genes=n_genes)
    tissue = _read(adata, column, spatial_key, library_key, n_neighbors)
    genes, place = np.unique(adata.var_names.get_indexer(table["gene"]), return_inverse=True)
    cells, factors = adata.obsm[keys.factors][tissue.known], adata.varm[keys.genes][genes]
    table["morans_i"] = _expression_morans_i(adata, layer, tissue, adata.var_names[genes])[place]
    table["morans_i_scores"] = AssociationFactors(cells, factors).morans_i(tissue.adjacency)[place]
    table["morans_i_within"] = np.nan
    for code, name in enumerate(tissue.groups.categories.astype(str)):
        own, here = tissue.groups.codes == code, (table["group"] == name).to_numpy()
        within = AssociationFactors(cells[own], factors).morans_i(tissue.adjacency[own][:, own])
        table.loc[here, "morans_i_within"] = within[place[here]]
    return table


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
        If there is no cell graph under ``key`` or no such column.
    ImportError
        If igraph is not installed; the message names the extra.
    """
    keys = Keys(key)
    if keys.connectivities not in adata.obsp:
        raise InputError(f"there is no cell graph under '{key}': run scrcl_graph.tl.refine first")
    known, groups = _groups(adata, groupby or key)
    try:
        import igraph  # noqa: F401
    except ImportError as err:
        raise missing_extra("igraph", "leiden", "PAGA") from err
    import scanpy as sc

    bare = AnnData(obs=pd.DataFrame({"domain": groups}, index=adata.obs_names[known]))
    graph = adata.obsp[keys.connectivities][known][:, known]
    bare.obsp["connectivities"] = bare.obsp["distances"] = graph  # of the distances only the pattern is read
    bare.uns["neighbors"] = {}
    sc.tl.paga(bare, groups="domain")
    adata.uns[keys.paga] = {
        "groupby": groupby or key,
        "domains": groups.categories.astype(str).to_numpy(dtype=object),
        "connectivities": sp.csr_matrix(bare.uns["paga"]["connectivities"]),
        "connectivities_tree": sp.csr_matrix(bare.uns["paga"]["connectivities_tree"]),
    }


def _groups(adata: AnnData, column: str) -> tuple[NDArray[np.bool_], pd.Categorical]:
    if column not in adata.obs:
        raise InputError(f"there is no obs['{column}'] (obs: {', '.join(adata.obs) or 'none'})")
    known = adata.obs[column].notna().to_numpy()
    return known, pd.Categorical(adata.obs[column][known]).remove_unused_categories()


def _read(adata: AnnData, column: str, spatial_key: str, library_key: str | None, n_neighbors: int) -> _Tissue:
    known, groups = _groups(adata, column)
    positions = obsm(adata, spatial_key)[known].astype(np.float64)
    library = obs_column(adata, library_key)
    library = None if library is None else library[known]
    return _Tissue(
        known, groups, positions, library, spatial_neighbors(positions, n_neighbors=n_neighbors, library=library)
    )


def _enrichment(tissue: _Tissue, n_permutations: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    import squidpy as sq

    bare = AnnData(obs=pd.DataFrame({"domain": tissue.groups}, index=np.arange(len(tissue.groups)).astype(str)))
    bare.obsp["spatial_connectivities"] = tissue.adjacency
    if tissue.library is not None:
        bare.obs["library"] = pd.Categorical(tissue.library)
    with threads_kept(), warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # notes of squidpy and numba
        found = sq.gr.nhood_enrichment(
            bare,
            "domain",
            library_key=None if tissue.library is None else "library",
            n_perms=n_permutations,
            seed=seed,
            copy=True,
            n_jobs=1,
            backend="threading",
            show_progress_bar=False,
        )
    zscore = np.where(np.isfinite(found.zscore), found.zscore, np.nan)
    return zscore, found.counts.astype(np.int64)


def _co_occurrence(tissue: _Tissue, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Over distances up to half of the widest slice; the slices are put too far apart to meet."""
    import squidpy as sq

    xy = tissue.positions[:, :2]
    libraries = np.zeros(len(xy)) if tissue.library is None else tissue.library
    names, of_cell = np.unique(libraries, return_inverse=True)
    low = np.array([xy[of_cell == i].min(axis=0) for i in range(len(names))])
    high = np.array([xy[of_cell == i].max(axis=0) for i in range(len(names))])
    reach = float(np.linalg.norm(high - low, axis=1).max()) / 2
    apart = xy - low[of_cell]
    apart[:, 0] += 4 * reach * of_cell
    rows = np.sort(np.random.default_rng(seed).permutation(len(xy))[:_CO_OCCURRENCE_CELLS])
    # squidpy counts on every category to occur
    sampled = tissue.groups[rows].remove_unused_categories()
    bare = AnnData(obs=pd.DataFrame({"domain": sampled}, index=rows.astype(str)), obsm={"spatial": apart[rows]})
    with threads_kept(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # notes of squidpy and numba
        found, interval = sq.gr.co_occurrence(bare, "domain", interval=np.linspace(0, reach, _DISTANCES + 1), copy=True)
    k = len(tissue.groups.categories)
    here = tissue.groups.categories.get_indexer(sampled.categories)
    occurrence = np.full((k, k, _DISTANCES), np.nan)
    occurrence[np.ix_(here, here)] = found
    return occurrence, np.asarray(interval[1:], dtype=np.float64)


def _expression_morans_i(
    adata: AnnData, layer: str | None, tissue: _Tissue, genes: Sequence[str]
) -> NDArray[np.float64]:
    import scanpy as sc

    source = read_source(adata, layer)
    matrix = pre.as_csr(source.matrix)
    expression = pre.log_normalize(matrix, pre.resolve_state(matrix, None))
    chosen = expression[tissue.known][:, pd.Index(source.genes).get_indexer(genes)]
    with threads_kept(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # genes that are constant over these cells: NaN
        return np.asarray(sc.metrics.morans_i(tissue.adjacency, sp.csr_matrix(chosen.T)))
