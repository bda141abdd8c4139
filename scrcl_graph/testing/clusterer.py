"""What a clusterer must keep."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.metrics import adjusted_rand_score

from scrcl_graph._registry import Spec
from scrcl_graph.cluster import CLUSTERERS, Embedding, Labels, cluster_cells, make_clusterer, unit_rows
from scrcl_graph.testing._contract import demand, keep

_K, _EACH = 4, 40


def check_clusterer(clusterer: Spec) -> list[str]:
    """Check a clusterer.

    Contracts: one whole number per cell; at most as many clusters as wanted; four groups that lie well apart are found;
    same seed, same labels; the embedding is left as it was.

    Parameters
    ----------
    clusterer
        A name, a class or a factory, or an instance that finds four clusters.

    Returns
    -------
    The contracts kept.

    Raises
    ------
    ContractError
        If one is broken; the message says which and how.
    """
    X, truth = _groups()

    def labels() -> Labels:
        return cluster_cells(make_clusterer(clusterer, _K, 0), X.copy())

    def number() -> None:
        found = len(np.unique(labels()))
        demand(found <= _K, f"{found} clusters where {_K} were wanted")

    def groups() -> None:
        score = adjusted_rand_score(truth, labels())
        demand(score > 0.9, f"four groups that lie well apart are not found (adjusted Rand index {score:.2f})")

    def repeatable() -> None:
        demand(np.array_equal(labels(), labels()), "the same seed gives other labels")

    def untouched() -> None:
        given = X.copy()
        make_clusterer(clusterer, _K, 0).fit_predict(given)
        demand(np.array_equal(given, X), "the embedding is changed")

    contracts: dict[str, Callable[[], object]] = {
        "labels": labels,
        "number": number,
        "groups": groups,
        "repeatable": repeatable,
        "untouched": untouched,
    }
    return keep(f"the clusterer '{CLUSTERERS.plain(clusterer)[0]}'", contracts)


def _groups() -> tuple[Embedding, Labels]:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(_K), _EACH)
    return unit_rows(np.eye(_K, 8)[truth] + 0.1 * rng.normal(size=(len(truth), 8))), truth
