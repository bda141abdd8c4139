"""Gene-gene edges from prior knowledge: pathways, protein interactions, regulons."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import scipy.sparse as sp

from scrcl_graph._errors import InputError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

GeneSets = Mapping[str, Collection[str]]
_LARGEST_SET = 200  # genes; of a larger set nearly all pairs are unrelated


def read_gmt(path: str | PathLike[str]) -> dict[str, list[str]]:
    """Gene sets of a GMT file: a line holds a name, a description and the genes, separated by tabs.

    Raises
    ------
    InputError
        If the file cannot be read, a line has no genes, or a name occurs twice.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"{path} cannot be read as a GMT file") from err
    sets: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, *rest = line.rstrip().split("\t")
        genes = [gene for gene in rest[1:] if gene]
        if not genes or name in sets:
            problem = f"repeats the set '{name}'" if name in sets else "has no name, description and genes between tabs"
            raise InputError(f"line {number} of {path} {problem}: it is no valid GMT file")
        sets[name] = genes
    return sets


def prior_network(network: pd.DataFrame | nx.Graph | GeneSets, genes: Sequence[str]) -> tuple[sp.csr_matrix, list[str]]:
    """A symmetric gene graph from an edge list or a networkx graph.

    Parameters
    ----------
    network
        A table whose first two columns name genes and whose column ``weight``, if there is one, holds signed
        weights; or a networkx graph with the optional edge attribute ``weight``. Missing weights are 1. Or gene sets,
        genes by name (:func:`read_gmt`): each pair of a set of n genes gets the weight 1 / (n - 1), so that a gene
        draws as much from a large set as from a small one; sets of more than 200 genes of the data are left out.
    genes
        Names of the genes of the data, in order.

    Returns
    -------
    Genes x genes CSR, float32, zero diagonal, and the sorted names of the network that the data does not have.
    They are also logged.

    Raises
    ------
    InputError
        If the network has another type or shape, a weight is not finite, or no edge joins two genes of the data.
    """
    try:
        edges = _edges(network, set(genes))
    except (TypeError, ValueError) as err:
        if isinstance(err, InputError):
            raise
        raise InputError("the prior gene network holds weights that are not numbers") from err
    position = {gene: i for i, gene in enumerate(genes)}
    unknown = sorted({gene for a, b, _ in edges for gene in (a, b)} - position.keys())
    known = [(position[a], position[b], w) for a, b, w in edges if a in position and b in position and a != b]
    if not known:
        raise InputError("no edge of the prior gene network joins two genes of the data: check the gene names")
    if unknown:
        logger.warning(
            "prior gene network: %d names are not in the data, e.g. %s", len(unknown), ", ".join(unknown[:5])
        )
    if not np.isfinite([w for *_, w in known]).all():
        raise InputError("the prior gene network holds weights that are not finite numbers")
    strongest: dict[tuple[int, int], float] = {}  # an edge listed more than once counts once
    for i, j, w in known:
        pair = (min(i, j), max(i, j))
        if abs(w) > abs(strongest.get(pair, 0.0)):
            strongest[pair] = w
    rows, cols = np.array(list(strongest), dtype=np.intp).reshape(-1, 2).T
    weights = np.fromiter(strongest.values(), dtype=np.float32)
    upper = sp.csr_matrix((weights, (rows, cols)), shape=(len(genes), len(genes)))
    return sp.csr_matrix(upper + upper.T), unknown


def _edges(network: pd.DataFrame | nx.Graph | GeneSets, genes: set[str]) -> list[tuple[str, str, float]]:
    if isinstance(network, Mapping):
        return _pairs(network, genes)
    if isinstance(network, nx.Graph):
        return [(str(a), str(b), float(w)) for a, b, w in network.edges(data="weight", default=1.0)]
    columns = getattr(network, "columns", None)
    if columns is None or len(columns) < 2:
        raise InputError(
            "the prior gene network must be a networkx graph, gene sets, or a table whose first two columns name genes"
        )
    weights = network["weight"] if "weight" in columns else np.ones(len(network))
    return [(str(a), str(b), float(w)) for a, b, w in zip(network.iloc[:, 0], network.iloc[:, 1], weights, strict=True)]


def _pairs(sets: GeneSets, genes: set[str]) -> list[tuple[str, str, float]]:
    """Each pair of a set's genes that the data has; a gene that it does not have is kept in a loop, to be reported."""
    edges = []
    for members in sets.values():
        known = sorted(genes & set(members))
        if len(known) <= _LARGEST_SET:
            edges += [(a, b, 1 / (len(known) - 1)) for a, b in combinations(known, 2)]
        edges += [(gene, gene, 1.0) for gene in set(members) - genes]
    return edges
