"""A paragraph about each cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from scrcl_graph import get, stats
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph.gr import GeneSets

_GENES, _NEAR, _SETS = 5, 2, 3
_RAISED = 50  # genes of a cluster that are looked up in gene sets


def cluster_words(adata: AnnData, *, key: str = "scrcl", gene_sets: GeneSets | None = None) -> dict[str, str]:
    """Size, genes, module, nearest clusters and enriched gene sets of each cluster, in sentences.

    Parameters
    ----------
    adata
        After :func:`scrcl_graph.tl.associations` of the clusters of ``key``; modules are told where
        :func:`scrcl_graph.tl.gene_modules` has been run.
    key
        ``key_added`` of :func:`scrcl_graph.tl.refine`.
    gene_sets
        Genes by name, e.g. from :func:`scrcl_graph.gr.read_gmt`: those are named of which the 50 genes most raised
        in a cluster hold more than chance at a false discovery rate of 5 %, among the genes of the model.

    Returns
    -------
    A paragraph by cluster.

    Raises
    ------
    InputError
        If there are no associations, or they are those of another column or of other clusters.
    """
    keys = Keys(key)
    table = get.associations(adata, key=key)
    if why := of_others(adata, key, adata.uns[keys.associations]):
        raise InputError(f"the associations of '{key}' are {why}: run scrcl_graph.tl.associations again")
    sizes = adata.obs[key].value_counts(sort=False)
    if set(table["group"].cat.categories) != set(sizes.index[sizes > 0]):
        raise InputError(f"the clusters of '{key}' have other names now: run scrcl_graph.tl.associations again")
    near = _cosines(adata, keys)
    modules = get.module_scores(adata, key=key) if keys.modules in adata.uns else None
    words = {}
    for group, genes in table.groupby("group", sort=False, observed=True):
        name = str(group)
        raised = genes[(genes["padj"] <= 0.05) & (genes["effect"] > 0)]
        sentences = [
            f"Cluster {name} has {sizes[name]:,} cells ({100 * sizes[name] / adata.n_obs:.1f} %).",
            _gene_words(raised),
        ]
        if modules is not None:
            sentences.append(_module_words(modules[name]))
        sentences.append(_near_words(near[name].drop(name)))
        if gene_sets is not None:
            sentences.append(_set_words(raised["gene"].head(_RAISED), table["gene"].unique(), gene_sets))
        words[name] = " ".join(sentences)
    return words


def of_others(adata: AnnData, key: str, found: Mapping[str, Any]) -> str:
    """What a result in ``uns`` is of, where it is not of these clusters and cells; otherwise empty."""
    if found["groupby"] != key:
        return f"of obs['{found['groupby']}']"
    return "" if found["n_cells"] == adata.n_obs else "of other cells"


def _gene_words(raised: pd.DataFrame) -> str:
    if raised.empty:
        return "No gene is raised in it at a false discovery rate of 5 %."
    top = [f"{row.gene} ({row.effect:+.1f} SD, FDR {_rate(row.padj)})" for row in raised.head(_GENES).itertuples()]
    are = "gene is" if len(raised) == 1 else "genes are"
    return f"{len(raised):,} {are} raised in it at a false discovery rate of 5 %, by contrast first {_list(top)}."


def _near_words(cosines: pd.Series) -> str:
    closest = cosines[cosines > 0].nlargest(_NEAR)
    if closest.empty:
        return "No other cluster lies near it in the embedding."
    return (
        f"Nearest in the embedding: {_list([f'{other} (cosine {cosine:.2f})' for other, cosine in closest.items()])}."
    )


def _module_words(scores: pd.Series) -> str:
    best = scores.idxmax()
    return f"Its highest gene module is {best} (mean score {scores[best]:+.2f} SD)."


def _set_words(genes: Sequence[str], universe: Sequence[str], gene_sets: Mapping) -> str:
    found = stats.enrichment(genes, universe, gene_sets).query("padj <= 0.05").head(_SETS)
    if found.empty:
        return "No gene set is enriched."
    sets = [f"{row.set} ({row.overlap} of {row.size} genes, FDR {_rate(row.padj)})" for row in found.itertuples()]
    return f"Enriched: {_list(sets)}."


def _cosines(adata: AnnData, keys: Keys) -> pd.DataFrame:
    """Between the mean embeddings of the clusters."""
    means = pd.DataFrame(adata.obsm[keys.embedding], index=adata.obs_names)
    means = means.groupby(adata.obs[keys.key], observed=True).mean()
    unit = means / np.linalg.norm(means, axis=1)[:, None]
    return unit @ unit.T


def _rate(padj: float) -> str:
    return "under 1e-100" if padj < 1e-100 else f"{padj:.1e}" if padj < 0.001 else f"{padj:.3f}"


def _list(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
