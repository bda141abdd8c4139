from __future__ import annotations

import pytest

from scrcl_graph.benchmark.tiles import tiles_table


@pytest.mark.slow  # whole runs of the default preset
def test_tiles_find_what_the_whole_graph_finds() -> None:
    rows = [line.strip("| ").split(" | ") for line in tiles_table(600, [200], "sage").splitlines()[2:]]
    assert [row[0] for row in rows] == ["600", "200"]
    assert min(float(row[-2]) for row in rows) > 0.4  # few cells for ten types
    assert float(rows[1][-1]) > 0.95
