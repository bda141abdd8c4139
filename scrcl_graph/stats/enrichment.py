"""Whether a list of genes holds more of a gene set than chance."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd
from scipy.stats import hypergeom

from scrcl_graph.stats.permutation import benjamini_hochberg


def enrichment(
    genes: Collection[str], universe: Collection[str], sets: Mapping[str, Collection[str]], *, min_overlap: int = 2
) -> pd.DataFrame:
    """One-sided hypergeometric test of each set.

    The null hypothesis is that the genes were drawn at random from the universe, which should hold the genes that
    could have been listed, not all genes of the genome. Genes that vary together make p-values too small.

    Parameters
    ----------
    genes
        The list, part of the universe.
    universe
        Genes it could have been drawn from.
    sets
        Genes by name of the set; those outside the universe are left out.
    min_overlap
        Sets that share fewer genes with the list are tested and not shown.

    Returns
    -------
    Columns ``set``, ``overlap``, ``size`` (within the universe), ``pvalue``, ``padj`` (Benjamini-Hochberg over all sets
    that share a gene with the universe), the smallest p-value first.
    """
    everything, listed = set(universe), set(genes) & set(universe)
    rows = []
    for name, members in sets.items():
        inside = everything & set(members)
        if inside:
            overlap = len(inside & listed)
            p = float(hypergeom.sf(overlap - 1, len(everything), len(inside), len(listed)))
            rows.append((name, overlap, len(inside), p))
    table = pd.DataFrame(rows, columns=["set", "overlap", "size", "pvalue"])
    table["padj"] = benjamini_hochberg(table["pvalue"].to_numpy()) if len(table) else 0.0
    return table[table["overlap"] >= min_overlap].sort_values("pvalue", kind="stable", ignore_index=True)
