from __future__ import annotations

import pytest

from scrcl_graph.benchmark.aggregate import aggregate_table
from scrcl_graph.nn import ops


@pytest.mark.parametrize("scatter", [False, True])
def test_every_way_is_measured_with_and_without_torch_scatter(scatter: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if scatter and not ops.HAS_SCATTER:
        pytest.skip("torch-scatter is not installed")
    monkeypatch.setattr(ops, "HAS_SCATTER", scatter)
    lines = aggregate_table(40, 3, 4, "cpu").splitlines()
    assert "edges, 40 nodes, cpu" in lines[0]
    names = [line.split("|")[1].strip() for line in lines[2:]]
    backends = ["torch", "torch-scatter"] if scatter else ["torch"]
    for backend in backends:
        for name in ("sum", "mean", "max", "softmax"):
            assert names.count(f"segment {name}: {backend}") == 1
    assert sum(name.startswith("messages") for name in names) == 2 + len(backends)
