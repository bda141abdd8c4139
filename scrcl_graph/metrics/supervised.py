"""Agreement of a clustering with an annotation. Used to judge results, never to make them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix

from scrcl_graph._errors import InputError

SCORES = ("acc", "nmi", "ari", "macro_f1", "rare_recall")
RARE = 0.05
Table = NDArray[np.int64]


def match_clusters(truth: ArrayLike, labels: ArrayLike) -> NDArray[np.intp]:
    """Class (index into the sorted classes) of each cell under the best one-to-one matching; -1 where unmatched.

    The matching of clusters and classes has the largest overlap (Hungarian method).
    """
    table = contingency_matrix(truth, labels)
    classes, clusters = linear_sum_assignment(-table)
    of_cluster = np.full(table.shape[1], -1, dtype=np.intp)
    of_cluster[clusters] = classes
    return of_cluster[np.unique(np.asarray(labels), return_inverse=True)[1]]


def score(truth: ArrayLike, labels: ArrayLike) -> dict[str, float]:
    """All supervised scores.

    Parameters
    ----------
    truth, labels
        One class and one cluster per cell, any hashable values.

    Returns
    -------
    ``acc`` (share of cells in the matched class), ``nmi`` (arithmetic), ``ari``, ``macro_f1`` (mean over classes),
    ``rare_recall`` (mean recall of the classes with under 5 % of the cells; NaN where there are none).

    Raises
    ------
    InputError
        If the lengths differ or a value is missing.
    """
    table = _table(truth, labels)
    return _scores(table, _rare(table))


def intervals(
    truth: ArrayLike, labels: ArrayLike, *, n_resamples: int = 200, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals (percentiles) of all supervised scores, over resampled cells.

    A resample of the cells is a multinomial draw of the table of classes and clusters, so the cost does not grow with
    the cells. Which classes are rare is not drawn anew.

    Parameters
    ----------
    truth, labels
        As in :func:`score`.
    n_resamples
        Draws.
    seed
        Of the draws.

    Returns
    -------
    Low and high end by score.

    Raises
    ------
    InputError
        If the lengths differ or a value is missing.
    """
    table = _table(truth, labels)
    n, rare = int(table.sum()), _rare(table)
    draws = np.random.default_rng(seed).multinomial(n, table.ravel() / n, size=n_resamples)
    scores = [_scores(draw.reshape(table.shape), rare) for draw in draws]
    found = {}
    for name in SCORES:
        low, high = np.percentile([draw[name] for draw in scores], [2.5, 97.5])
        found[name] = (float(low), float(high))
    return found


def _table(truth: ArrayLike, labels: ArrayLike) -> Table:
    if np.shape(truth) != np.shape(labels) or any(pd.isna(values).any() for values in map(np.asarray, (truth, labels))):
        raise InputError("give one class and one cluster for each cell, none missing: leave cells without a class out")
    table: Table = contingency_matrix(truth, labels).astype(np.int64)
    return table


def _rare(table: Table) -> NDArray[np.bool_]:
    return np.asarray(table.sum(axis=1) < RARE * table.sum())


def _scores(table: Table, rare: NDArray[np.bool_]) -> dict[str, float]:
    rows, columns = linear_sum_assignment(-table)
    hits = np.zeros(len(table))
    hits[rows] = table[rows, columns]
    size, matched = table.sum(axis=1), np.zeros(len(table))
    matched[rows] = table.sum(axis=0)[columns]
    seen = size > 0  # a bootstrap draw can miss a class
    recall = np.divide(hits, size, out=np.zeros(len(table)), where=seen)
    f1 = 2 * hits[seen] / (size + matched)[seen]
    rare = rare & seen
    return {
        "acc": float(hits.sum() / table.sum()),
        "nmi": _nmi(table),
        "ari": _ari(table),
        "macro_f1": float(f1.mean()),
        "rare_recall": float(recall[rare].mean()) if rare.any() else float("nan"),
    }


def _ari(table: Table) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985) from pairs of cells."""

    def pairs(counts: NDArray[np.int64]) -> float:
        return float((counts.astype(np.float64) * (counts - 1)).sum() / 2)

    together, classes, clusters = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = classes * clusters / max(pairs(np.array([table.sum()])), 1.0)
    largest = (classes + clusters) / 2
    return 1.0 if largest == expected else (together - expected) / (largest - expected)


def _nmi(table: Table) -> float:
    """Mutual information over the mean of both entropies."""

    def entropy(counts: NDArray[np.int64]) -> float:
        share = counts[counts > 0] / counts.sum()
        return float(-(share * np.log(share)).sum())

    classes, clusters = entropy(table.sum(axis=1)), entropy(table.sum(axis=0))
    if classes + clusters == 0:
        return 1.0
    return (classes + clusters - entropy(table.ravel())) / ((classes + clusters) / 2)
