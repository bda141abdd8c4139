from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrcl_graph import InputError
from scrcl_graph._registry import Registry, from_text, list_from_text, pairs_from_text

TREES = Registry("tree", {"oak": dict}, register="plant()", more=lambda: {"elm": list})


def test_names_classes_and_pairs_are_resolved() -> None:
    assert TREES.resolve("oak") == (dict, {})
    assert TREES.resolve(("elm", {"a": 1})) == (list, {"a": 1})
    assert TREES.resolve(["oak", {"a": 1}]) == (dict, {"a": 1})  # as JSON has it
    assert TREES.resolve(set) == (set, {})


def test_a_part_is_told_by_its_registered_name_or_its_own() -> None:
    registry = Registry("tree", {})

    @registry.register("ash")
    class Fraxinus:
        pass

    assert registry.plain(Fraxinus) == ("ash", {})
    assert registry.plain((set, {"a": 1})) == ("set", {"a": 1})
    assert registry.plain(Fraxinus()) == ("Fraxinus", {})


def test_a_wrong_name_lists_the_choices() -> None:
    with pytest.raises(InputError, match=r"unknown tree 'palm': choose one of oak, elm, or add one with plant\(\)"):
        TREES.find("palm")


@pytest.mark.parametrize("spec", [("oak",), ("oak", 3), ("oak", {}, {})])
def test_what_is_no_pair_is_refused(spec: Any) -> None:
    with pytest.raises(InputError, match="not a pair of a name and its options"):
        TREES.resolve(spec)


def test_text_gives_names_options_and_parts_of_files(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class MyConv: pass\n")
    assert from_text("gatv2") == "gatv2"
    assert from_text('gatv2{heads = 4, aggr = "max"}') == ("gatv2", {"heads": 4, "aggr": "max"})
    made, options = from_text("mine.py:MyConv{a = [1, 2]}", tmp_path)
    assert (made.__name__, options) == ("MyConv", {"a": [1, 2]})
    assert from_text(f"{tmp_path}/mine.py:MyConv").__name__ == "MyConv"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gatv2{heads}", "not a TOML table"),
        ("", "cannot be read"),
        ("none.py:A", "there is no file"),
        ("mine.py:Other", r"has no 'Other': it defines MyConv"),
        ("broken.py:A", "cannot be run: ZeroDivisionError"),
    ],
)
def test_text_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.py").write_text("class MyConv: pass\n")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(InputError, match=message):
        from_text(text, tmp_path)


def test_lists_are_split_at_commas_outside_of_options() -> None:
    assert list_from_text("a, b{x = 1, y = [2, 3]},c") == ["a", "b{x = 1, y = [2, 3]}", "c"]
    assert pairs_from_text("a{x = 1},gene-gene=b{y = 2}", "cell-cell") == [
        ("cell-cell", "a{x = 1}"),
        ("gene-gene", "b{y = 2}"),
    ]
    assert pairs_from_text("", "cell-cell") == []
