"""Agreement of a clustering with an annotation. Used to judge results, never to make them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, f1_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

SCORES = ("acc", "nmi", "ari", "macro_f1", "rare_recall")
RARE = 0.05


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
    """
    codes = np.unique(np.asarray(truth), return_inverse=True)[1]
    matched = match_clusters(codes, labels)
    share = np.bincount(codes) / len(codes)
    recall = np.array([(matched[codes == i] == i).mean() for i in range(len(share))])
    rare = share < RARE
    return {
        "acc": float((matched == codes).mean()),
        "nmi": float(normalized_mutual_info_score(codes, labels)),
        "ari": float(adjusted_rand_score(codes, labels)),
        "macro_f1": float(f1_score(codes, matched, labels=np.arange(len(share)), average="macro", zero_division=0)),
        "rare_recall": float(recall[rare].mean()) if rare.any() else float("nan"),
    }
