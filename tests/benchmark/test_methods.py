from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scrcl_graph.benchmark.methods import METHODS, Method, get_method
from scrcl_graph.presets import get_preset, with_parts


@pytest.mark.parametrize(
    "method", [method for method in METHODS.values() if method.file.name == "preset.py"], ids=lambda method: method.name
)
def test_what_a_variant_changes_makes_a_preset(method: Method) -> None:
    options = json.loads(json.dumps(dict(method.options)))  # as the process of a run gets them
    base, without = get_preset(options.pop("preset")), options.pop("without", [])
    changed = with_parts(replace(base, **options), objectives=dict.fromkeys(without, 0.0))
    assert (changed == base) == (method.name == base.name)
    assert set(without) <= set(base.plan.weights)


@pytest.mark.parametrize("name", ["pca_kmeans", "default"])
def test_results_of_another_package_are_told_by_the_hash(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method = get_method(name)
    before = method.sha256
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"#" * (path.name == "_pca.py"))
    assert method.sha256 != before
