"""Whether a ligand in one group of cells meets its receptor in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scrcl_graph.stats.permutation import Table, benjamini_hochberg, compare_weighted

Index = NDArray[np.intp]
_EDGES = 100_000  # looked at at once


@dataclass(frozen=True)
class InteractionTest:
    """Each ligand-receptor pair in each ordered pair of groups; every table is ligand-receptor pairs x group pairs.

    Attributes
    ----------
    score
        Mean expression of the ligand in the sender times that of the receptor in the receiver.
    effect
        How far both are raised: the smaller of their distances from the mean of all cells, in standard deviations.
    pvalue
        That not both are raised.
    padj
        Benjamini-Hochberg over the whole table.
    """

    score: Table
    effect: Table
    pvalue: Table
    padj: Table


@dataclass(frozen=True)
class Contacts:
    """Which cells' means make up each ordered pair of groups.

    Attributes
    ----------
    weights
        Means x cells; rows sum to one.
    senders, receivers
        The row of ``weights`` of the sender and of the receiver of each pair of groups.
    groups
        Sender and receiver group of each pair, pairs x 2.
    """

    weights: sp.csr_matrix
    senders: Index
    receivers: Index
    groups: Index


def group_contacts(labels: NDArray[np.integer], n_groups: int, adjacency: sp.csr_matrix | None = None) -> Contacts:
    """All ordered pairs of groups, or with a graph those of which a cell of one touches a cell of the other.

    Without a graph each mean is over the cells of a group. With one, the mean of the sender is over its cells weighted
    by how many cells of the receiver they touch, and that of the receiver likewise.

    Parameters
    ----------
    labels
        Group of each cell, 0 to ``n_groups - 1``, none empty.
    n_groups
        How many.
    adjacency
        Cells x cells, symmetric, without self loops; its weights are ignored.
    """
    n = len(labels)
    if adjacency is None:
        size = np.bincount(labels, minlength=n_groups)
        weights = sp.csr_matrix((1 / size[labels], (labels, np.arange(n))), shape=(n_groups, n))
        groups = np.argwhere(np.ones((n_groups, n_groups), dtype=bool))
        return Contacts(weights, groups[:, 0], groups[:, 1], groups)
    edges = adjacency.tocoo()
    own, other = labels[edges.row].astype(np.intp), labels[edges.col].astype(np.intp)
    kinds, row = np.unique(own * n_groups + other, return_inverse=True)
    touching = sp.csr_matrix((np.ones(len(row)), (row, edges.row)), shape=(len(kinds), n))
    weights = sp.csr_matrix(sp.diags(1 / np.bincount(row, minlength=len(kinds))) @ touching)
    groups = np.stack([kinds // n_groups, kinds % n_groups], axis=1)
    turned = np.searchsorted(kinds, groups[:, 1] * n_groups + groups[:, 0])
    return Contacts(weights, np.arange(len(kinds)), turned, groups)


def interactions(
    X: sp.csr_matrix,
    log_X: sp.csr_matrix,
    contacts: Contacts,
    ligands: Sequence[Sequence[int]],
    receptors: Sequence[Sequence[int]],
    *,
    depth: Table | None = None,
) -> InteractionTest:
    """Whether the sender has more of the ligand and the receiver more of the receptor than exchangeable cells would.

    The null hypothesis is that one of the two, or one subunit of a complex, is not raised. It is rejected where each is
    raised by itself, so the p-value is the largest of theirs (:func:`scrcl_graph.stats.compare_weighted`; the
    intersection-union test of Berger 1982). These have exact moments: no permutation is drawn, and a p-value has no
    floor and no seed. Of a complex the subunit of the smallest mean makes the score.

    Parameters
    ----------
    X, depth
        As in :func:`scrcl_graph.stats.compare_groups`; only the genes of ligands and receptors are needed.
    log_X
        Log-normalised expression of the same genes, for the score.
    contacts
        From :func:`group_contacts`.
    ligands, receptors
        Columns of X that make up each ligand and its receptor, in the same order.
    """
    test = compare_weighted(X, contacts.weights, depth=depth)
    means = np.asarray((contacts.weights @ log_X).toarray().T, dtype=np.float64)

    def both(table: Table, worst: np.ufunc) -> tuple[Table, Table]:
        parts = (_complexes(table, ligands, worst), _complexes(table, receptors, worst))
        return parts[0][:, contacts.senders], parts[1][:, contacts.receivers]

    score = np.multiply(*both(means, np.minimum))
    effect = np.minimum(*both(test.effect, np.minimum))
    pvalue = np.maximum(*both(test.pvalue, np.maximum))
    return InteractionTest(score, effect, pvalue, benjamini_hochberg(pvalue.ravel()).reshape(pvalue.shape))


def interaction_edges(
    log_X: sp.csr_matrix,
    adjacency: sp.csr_matrix,
    ligands: Sequence[Sequence[int]],
    receptors: Sequence[Sequence[int]],
    signs: NDArray[np.integer],
) -> sp.csr_matrix:
    r"""Cells that touch, joined by what one sends and the other receives.

    .. math:: w_{ij} = \sum_p s_p \, \ell_{ip} \, r_{jp} \quad \text{where i touches j}

    with :math:`\ell` and r the log-normalised expression of ligand and receptor, of a complex the smallest of its
    subunits. Nothing of size cells x cells is formed.

    Parameters
    ----------
    log_X
        Log-normalised expression, cells x genes.
    adjacency
        Cells x cells, symmetric, without self loops; its weights are ignored.
    ligands, receptors
        As for :func:`interactions`.
    signs
        s, one per ligand-receptor pair: 1 where it attracts, -1 where it repels.

    Returns
    -------
    Cells x cells float32, from sender (row) to receiver (column); pairs of cells without any signal are left out.
    """
    edges = adjacency.tocoo()
    sent = sp.csr_matrix(_least(log_X, ligands) @ sp.diags_array(signs.astype(np.float32)))
    received = _least(log_X, receptors)
    weights = np.empty(edges.nnz, dtype=np.float32)
    for start in range(0, edges.nnz, _EDGES):
        part = slice(start, start + _EDGES)
        weights[part] = sent[edges.row[part]].multiply(received[edges.col[part]]).sum(axis=1).ravel()
    joined = sp.csr_matrix((weights, (edges.row, edges.col)), shape=edges.shape)
    joined.eliminate_zeros()
    return joined


def _least(log_X: sp.csr_matrix, parts: Sequence[Sequence[int]]) -> sp.csr_matrix:
    """Cells x complexes: expression of the subunit a cell has least of."""
    longest = max(map(len, parts))
    columns = np.array([[*part, *[part[-1]] * (longest - len(part))] for part in parts]).T
    least = log_X[:, columns[0]]
    for column in columns[1:]:
        least = least.minimum(log_X[:, column])
    return sp.csr_matrix(least)


def _complexes(table: Table, parts: Sequence[Sequence[int]], worst: np.ufunc) -> Table:
    """The worst of the subunits of each complex."""
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return np.asarray(worst.reduceat(table[np.concatenate(list(parts)).astype(np.intp)], starts, axis=0))
