from __future__ import annotations

import logging
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from scrcl_graph import InputError
from scrcl_graph.gr import prior_network, read_gmt

GENES = ["A", "B", "C", "D"]
EDGES = [("A", "B", 0.5), ("B", "C", -2.0), ("C", "X", 1.0), ("D", "D", 1.0), ("Y", "A", 1.0)]


def _table(edges: list[tuple[str, str, float]] = EDGES) -> pd.DataFrame:
    return pd.DataFrame(edges, columns=["source", "target", "weight"])


def test_table_and_networkx_graph_give_the_same_symmetric_network() -> None:
    graph = nx.Graph()
    graph.add_weighted_edges_from(EDGES)
    expected = np.zeros((4, 4), np.float32)
    expected[[0, 1, 1, 2], [1, 0, 2, 1]] = [0.5, 0.5, -2, -2]
    for network in (_table(), graph, nx.DiGraph(graph)):
        matrix, unknown = prior_network(network, GENES)
        assert np.array_equal(matrix.toarray(), expected)
        assert unknown == ["X", "Y"]


def test_missing_weights_are_one() -> None:
    table = _table().drop(columns="weight")
    graph = nx.Graph([(a, b) for a, b, _ in EDGES])
    for network in (table, graph):
        assert set(prior_network(network, GENES)[0].data) == {1.0}


def test_names_not_in_the_data_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="scrcl_graph"):
        prior_network(_table(), GENES)
    assert "2 names are not in the data, e.g. X, Y" in caplog.text


def test_an_edge_listed_twice_counts_once() -> None:
    once, _ = prior_network(_table([("A", "B", 0.5)]), GENES)
    twice, _ = prior_network(_table([("A", "B", 0.5), ("A", "B", 0.5), ("B", "A", 0.5)]), GENES)
    assert np.array_equal(once.toarray(), twice.toarray())


def test_edges_that_contradict_each_other_make_a_symmetric_network() -> None:
    matrix = prior_network(_table([("A", "B", 1.0), ("B", "A", -1.0)]), GENES)[0].toarray()
    assert abs(matrix[0, 1]) == 1
    assert np.array_equal(matrix, matrix.T)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (_table([("X", "Y", 1.0), ("A", "A", 1.0)]), "no edge .* joins two genes"),
        (_table([("A", "B", np.nan)]), "not finite"),
        (pd.DataFrame({"source": ["A"]}), "first two columns name genes"),
        ([("A", "B")], "networkx graph, gene sets, or a table"),
    ],
)
def test_networks_that_cannot_be_used_are_refused(network: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prior_network(network, GENES)  # type: ignore[arg-type]


def test_gene_sets_of_a_gmt_file_are_joined_pair_by_pair(tmp_path: Path) -> None:
    (tmp_path / "a.gmt").write_text("one\tabout\tA\tB\tC\tX\n\ntwo\t\tC\tD\t\n")
    sets = read_gmt(tmp_path / "a.gmt")
    assert sets == {"one": ["A", "B", "C", "X"], "two": ["C", "D"]}
    matrix, unknown = prior_network(sets, GENES)
    expected = np.zeros((4, 4))
    expected[:3, :3] = 0.5
    expected[2, 3] = expected[3, 2] = 1
    np.fill_diagonal(expected, 0)
    np.testing.assert_array_equal(matrix.toarray(), expected)
    assert unknown == ["X"]


def test_a_set_that_holds_nearly_everything_joins_nothing() -> None:
    genes = [f"g{i}" for i in range(300)]
    matrix, _ = prior_network({"all": genes, "pair": genes[:2]}, genes)
    assert matrix.nnz == 2


@pytest.mark.parametrize(
    ("text", "said"), [("name\n", "line 1 .* has no name"), ("a\tb\tC\na\tb\tD\n", "line 2 .* repeats the set 'a'")]
)
def test_a_broken_gmt_file_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.gmt").write_text(text)
    with pytest.raises(InputError, match=said):
        read_gmt(tmp_path / "a.gmt")
    with pytest.raises(InputError, match="cannot be read as a GMT file"):
        read_gmt(tmp_path / "b.gmt")
