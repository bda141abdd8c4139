"""Where domains lie to each other, computed by squidpy where it can."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from scrcl_graph import metrics
from scrcl_graph._adata.tissue import Tissue, read_tissue
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph._seeds import check_seed
from scrcl_graph._settings import quiet_squidpy, threads_kept

_CO_OCCURRENCE_CELLS = 5000  # more are sampled: the cost is quadratic, the ratio of frequencies is not
_DISTANCES = 20


def domain_statistics(
    adata: AnnData,
    *,
    key: str = "scrcl",
    groupby: str | None = None,
    spatial_key: str | None = None,
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
        Key of ``obsm`` with positions, cells x 2 or 3; by default that of the run, or ``"spatial"``.
    library_key
        Column of ``obs`` with the slice; cells of different slices are never neighbours. By default that of the run
        (its ``library_key`` or ``batch_key``).
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
    ``n_cells``
        That have a domain.
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
    if n_permutations < 1:
        raise InputError(f"n_permutations is {n_permutations}, but must be at least 1")
    column, seed = groupby or key, check_seed(random_state)
    tissue = read_tissue(adata, column, key, spatial_key, library_key, n_neighbors)
    groups, names = tissue.groups, tissue.groups.categories
    if len(names) < 2:
        raise InputError(f"obs['{column}'] has {len(names)} domain: statistics compare at least two")
    zscore, counts = _enrichment(tissue, n_permutations, seed)
    occurrence, distance = _co_occurrence(tissue, seed)
    adata.uns[Keys(key).domain_statistics] = {
        "groupby": column,
        "library_key": tissue.library_key or "none",
        "n_cells": len(groups),
        "domains": names.to_numpy(dtype=object),
        "tissue_order": names.to_numpy(dtype=object)[metrics.tissue_order(counts)],
        "contacts": counts,
        "enrichment": zscore,
        "co_occurrence": occurrence,
        "distance": distance,
        "chaos": metrics.chaos(tissue.positions, groups.codes, library=tissue.library),
        "pas": metrics.pas(tissue.positions, groups.codes, library=tissue.library),
    }


def _enrichment(tissue: Tissue, n_permutations: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    sq = quiet_squidpy()
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


def _co_occurrence(tissue: Tissue, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Over distances up to half of the widest slice; the slices are put too far apart to meet."""
    sq = quiet_squidpy()
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
