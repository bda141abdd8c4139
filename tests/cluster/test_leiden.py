from __future__ import annotations

import random
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import InputError
from scrcl_graph.cluster import CLUSTERERS, Leiden, make_clusterer


@pytest.fixture(scope="module")
def groups() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    truth = rng.integers(5, size=250)
    return (4 * np.eye(5)[truth] + rng.standard_normal((250, 5))).astype(np.float32), truth


def test_the_wanted_number_is_found_and_groups_recovered(groups: tuple[NDArray[np.float32], NDArray[np.int64]]) -> None:
    pytest.importorskip("igraph")
    X, truth = groups
    labels = Leiden(5).fit_predict(X)
    assert len(set(labels)) == 5
    assert adjusted_rand_score(truth, labels) > 0.9
    assert len(set(Leiden(9).fit_predict(X))) == 9


def test_a_higher_resolution_gives_more_communities(groups: tuple[NDArray[np.float32], NDArray[np.int64]]) -> None:
    pytest.importorskip("igraph")
    few, many = (len(set(Leiden(resolution=r).fit_predict(groups[0]))) for r in (0.5, 5.0))
    assert few < many


def test_same_seed_same_labels_and_pythons_random_state_is_untouched(
    groups: tuple[NDArray[np.float32], NDArray[np.int64]],
) -> None:
    pytest.importorskip("igraph")
    random.seed(11)
    state = random.getstate()
    first = Leiden(7, random_state=3).fit_predict(groups[0])
    assert random.getstate() == state
    random.seed(12)
    assert np.array_equal(first, Leiden(7, random_state=3).fit_predict(groups[0]))


def test_without_igraph_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "igraph", None)
    with pytest.raises(ImportError, match=r"scrcl-graph\[leiden\]"):
        Leiden(5)


def test_an_unknown_clusterer_is_refused_with_the_list_of_names() -> None:
    with pytest.raises(InputError, match=r"'dbscan'.*kmeans, leiden, merge, mixture"):
        make_clusterer("dbscan", 3, 0)


@pytest.mark.parametrize("name", sorted(CLUSTERERS.entries))
def test_every_named_clusterer_recovers_clear_groups(
    name: str, groups: tuple[NDArray[np.float32], NDArray[np.int64]]
) -> None:
    if name == "leiden":
        pytest.importorskip("igraph")
    X, truth = groups
    assert adjusted_rand_score(truth, make_clusterer(name, 5, 0).fit_predict(X)) > 0.9
