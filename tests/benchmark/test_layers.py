from __future__ import annotations

from pathlib import Path

import pytest

from scrcl_graph import InputError
from scrcl_graph.benchmark import layer_methods


def test_each_layer_is_the_default_preset_with_it(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("from torch_geometric.nn import SAGEConv\nclass MyConv(SAGEConv): pass\n")
    methods = layer_methods(f"gcn,gatv2{{heads = 2}},gene-gene=sage,{mine}:MyConv")
    assert [method.name for method in methods] == ["gcn", "gatv2_heads_=_2", "sage@gene-gene", "MyConv"]
    assert [method.options["layers"] for method in methods] == [
        {"cell-cell": "gcn"},
        {"cell-cell": "gatv2{heads = 2}"},
        {"gene-gene": "sage"},
        {"cell-cell": f"{mine}:MyConv"},
    ]
    before = methods[-1].sha256
    mine.write_text(mine.read_text() + "\n# another version\n")
    assert methods[-1].sha256 != before


@pytest.mark.parametrize(("text", "message"), [("gcnn", "unknown layer 'gcnn'"), ("cells=gcn", "unknown relation")])
def test_a_layer_that_does_not_fit_is_refused_before_any_run(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        layer_methods(text)
