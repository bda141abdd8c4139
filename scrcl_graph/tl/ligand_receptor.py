"""Ligands of one group of cells that meet their receptors in another."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from scrcl_graph._adata.results import expression, grouping, measured_genes
from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys
from scrcl_graph.gr import symmetric_graph
from scrcl_graph.stats import group_contacts, interaction_edges, interactions

logger = logging.getLogger(__name__)

_SIGNS = {"attract": 1, "repel": -1}


def ligand_receptor(
    adata: AnnData,
    *,
    pairs: pd.DataFrame,
    groupby: str | None = None,
    neighbors_key: str | None = None,
    layer: str | None = None,
    key: str = "scrcl",
) -> None:
    """Score ligand-receptor pairs between groups of cells, with a test against exchangeable cells.

    A pair is called where the ligand is raised in the sending group and the receptor in the receiving one, both
    (:func:`scrcl_graph.stats.interactions`). It is a statement about RNA, not that a signal was sent; what
    :func:`associations` says of clusters found in the same expression holds here too.

    Parameters
    ----------
    adata
        After :func:`refine`.
    pairs
        Columns ``ligand`` and ``receptor`` (or ``source`` and ``target``) with gene names; subunits of a complex are
        joined by ``_``. An optional column ``sign`` holds ``"attract"`` or ``"repel"``.
    groupby
        Categorical column of ``obs``; by default the clusters of ``key``. Cells without a group are left out.
    neighbors_key
        Key of ``obsp`` with a graph of the cells in tissue, such as ``"spatial_connectivities"`` of squidpy: only cells
        of the two groups that touch count, only groups that touch are tested, and the cells that touch are joined by
        edges too.
    layer
        Matrix to read; by default the one that :func:`refine` read.
    key
        ``key_added`` of :func:`refine`.

    Returns
    -------
    None. With ``neighbors_key``, sets ``obsp[key + "_ligand_receptor"]``, float32 CSR, from sender (row) to receiver
    (column): ligand times receptor on every edge of that graph, also of cells without a group, summed over the pairs,
    those that repel taken as negative (:func:`scrcl_graph.stats.interaction_edges`). Sets
    ``uns[key + "_ligand_receptor"]``, a dict read by :func:`scrcl_graph.get.ligand_receptor`:

    ``table``
        Columns ``source``, ``target`` (groups), ``ligand``, ``receptor``; ``score``, the product of their means of
        log-normalised expression; ``effect``, the smaller of their distances from the mean of all cells, in standard
        deviations; ``pvalue``; ``padj``, Benjamini-Hochberg over the table; ``sign`` (1, -1, or 0 where ``pairs`` does
        not say).
    ``unknown``
        Names of ``pairs`` that the data does not have; pairs with one are left out.
    ``groupby``, ``matrix``, ``neighbors_key``
        What was used.

    Raises
    ------
    InputError
        If there are no results under ``key``, a column, layer or graph is missing, a sign is unknown, no pair is in the
        data, there are fewer than two groups or three cells with one, or no two cells with a group touch.
    """
    groups = grouping(adata, groupby or key, key)
    known = groups.notna().to_numpy()
    if groups.nunique() < 2:
        raise InputError(f"obs['{groups.name}'] has fewer than two groups: there is nothing to compare")
    if known.sum() < 3:
        raise InputError(f"only {known.sum()} cells have a group in obs['{groups.name}']: three are needed")
    adjacency = touching = None
    if neighbors_key is not None:
        if neighbors_key not in adata.obsp:
            raise InputError(f"there is no obsp['{neighbors_key}'] (obsp: {', '.join(adata.obsp) or 'none'})")
        touching = symmetric_graph(adata.obsp[neighbors_key], adata.n_obs)
        adjacency = touching[known][:, known]
        if not adjacency.nnz:
            raise InputError(f"obsp['{neighbors_key}'] joins no two cells that have a group")
    table, unknown = _usable(_columns(pairs), set(measured_genes(adata, layer, key)))
    genes = sorted({gene for parts in (*table["ligands"], *table["receptors"]) for gene in parts})
    place = {gene: i for i, gene in enumerate(genes)}
    ligands, receptors = (
        [[place[gene] for gene in parts] for parts in table[side]] for side in ("ligands", "receptors")
    )
    measured = expression(adata, genes, layer, key)
    names = groups.cat.categories
    contacts = group_contacts(groups.cat.codes.to_numpy()[known], len(names), adjacency)
    test = interactions(
        measured.values[known],
        measured.log[known],
        contacts,
        ligands,
        receptors,
        depth=None if measured.depth is None else measured.depth[known],
    )
    n_pairs, n_contacts = test.score.shape
    row, contact = np.repeat(np.arange(n_pairs), n_contacts), np.tile(np.arange(n_contacts), n_pairs)
    found = pd.DataFrame(
        {
            "source": pd.Categorical.from_codes(contacts.groups[contact, 0], names),
            "target": pd.Categorical.from_codes(contacts.groups[contact, 1], names),
            "ligand": table["ligand"].to_numpy()[row],
            "receptor": table["receptor"].to_numpy()[row],
            **{name: values.ravel() for name, values in vars(test).items()},
            "sign": table["sign"].to_numpy()[row],
        }
    )
    if touching is None:
        adata.obsp.pop(Keys(key).ligand_receptor, None)  # of an earlier call
    else:
        signs = np.where(table["sign"] < 0, -1, 1)
        edges = interaction_edges(measured.log, touching, ligands, receptors, signs)
        adata.obsp[Keys(key).ligand_receptor] = edges
    adata.uns[Keys(key).ligand_receptor] = {
        "table": found.sort_values("effect", ascending=False, kind="stable", ignore_index=True),
        "unknown": np.array(unknown, dtype=object),
        "groupby": groups.name,
        "matrix": measured.where,
        "neighbors_key": neighbors_key or "none",
    }


def _columns(pairs: pd.DataFrame) -> pd.DataFrame:
    """Ligand, receptor and sign of each pair, once."""
    columns = list(getattr(pairs, "columns", []))
    for names in (["ligand", "receptor"], ["source", "target"]):
        if set(names) <= set(columns):
            break
    else:
        raise InputError(
            "pairs must be a table with the columns ligand and receptor (or source and target); "
            f"it has {', '.join(map(str, columns)) or 'none'}"
        )
    table = pairs[names].astype(str).set_axis(["ligand", "receptor"], axis=1)
    table["sign"] = 0
    if "sign" in columns:
        table["sign"] = pairs["sign"].map(_SIGNS)
        if table["sign"].isna().any():
            odd = pairs["sign"][table["sign"].isna()].iloc[0]
            raise InputError(f"the sign of a ligand-receptor pair is 'attract' or 'repel', not '{odd}'")
        table["sign"] = table["sign"].astype(int)
    return table.drop_duplicates(["ligand", "receptor"], ignore_index=True)


def _usable(table: pd.DataFrame, genes: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
    """The pairs of which the data has all genes, with their subunits, and the names that it does not have."""
    for name in ("ligand", "receptor"):
        table[f"{name}s"] = [_subunits(one, genes) for one in table[name]]
    parts = [[*a, *b] for a, b in zip(table["ligands"], table["receptors"], strict=True)]
    unknown = sorted({gene for names in parts for gene in names if gene not in genes})
    usable = table[[all(gene in genes for gene in names) for names in parts]]
    if usable.empty:
        raise InputError("the data has both genes of no ligand-receptor pair: check the gene names")
    if unknown:
        logger.warning(
            "ligand-receptor pairs: %d of %d are left out, %d names are not in the data, e.g. %s",
            len(table) - len(usable), len(table), len(unknown), ", ".join(unknown[:5]),
        )  # fmt: skip
    return usable, unknown


def _subunits(name: str, genes: Collection[str]) -> Sequence[str]:
    """The genes of a complex; a name that is itself a gene may hold an underscore."""
    return [name] if name in genes else name.removeprefix("COMPLEX:").split("_")
