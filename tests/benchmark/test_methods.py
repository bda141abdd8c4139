from __future__ import annotations

import json
from dataclasses import replace

import pytest

from scrcl_graph.benchmark.methods import METHODS, Method
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
