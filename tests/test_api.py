from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import scrcl_graph

ROOMS = (
    *("tl", "get", "stats", "gr", "cluster", "pl", "objectives", "nn", "metrics", "datasets", "testing"),
    *("model", "train", "report", "benchmark"),
)
MODULES = [scrcl_graph, *(importlib.import_module(f"scrcl_graph.{room}") for room in ROOMS)]


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Modules, classes and functions of ours among the names that a module shows; not constants and type aliases."""
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.ismodule(value) or getattr(value, "__module__", "").startswith("scrcl_graph."):
            yield f"{module.__name__}.{name}", value


EVERYTHING = dict(pair for module in MODULES for pair in public(module))
PAGE = Path(__file__).parents[1] / "docs" / "api.md"
VERBS = {name: value for name, value in EVERYTHING.items() if name.startswith(("scrcl_graph.tl.", "scrcl_graph.pl."))}


def has_docstring(value: Any) -> bool:
    doc = value.__doc__
    own = doc if not inspect.isclass(value) else value.__dict__.get("__doc__")
    # a dataclass without docstring gets its signature as one
    return bool(own) and not own.startswith(f"{getattr(value, '__name__', '')}(")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_names_a_module_shows_exist_once_and_sorted(module: ModuleType) -> None:
    assert all(hasattr(module, name) for name in module.__all__)
    upper, lower = [n for n in module.__all__ if n.isupper()], [n for n in module.__all__ if not n.isupper()]
    assert len(set(module.__all__)) == len(module.__all__)
    assert upper == sorted(upper)
    assert sorted(lower) == sorted(set(lower))


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_public_name_has_a_docstring(name: str) -> None:
    value = EVERYTHING[name]
    assert has_docstring(value)
    if inspect.isclass(value):
        own = {n: m for n, m in vars(value).items() if inspect.isroutine(m) and m.__module__ == value.__module__}
        without = [n for n, m in own.items() if not n.startswith("_") and not m.__doc__]
        assert not without


@pytest.mark.parametrize("module", MODULES[1:], ids=lambda module: module.__name__)
def test_every_public_name_is_on_the_page_of_the_api(module: ModuleType) -> None:
    shown = set(re.findall("^::: ([a-zA-Z_.]+)$", PAGE.read_text(), flags=re.M))
    assert module.__name__ in shown
    for name, value in public(module):
        last = name.rpartition(".")[2]
        if inspect.ismodule(value):
            assert name in shown
        elif (Path(module.__file__ or "").parent / f"{last}.py").exists():
            # the tool that makes the page finds the file in place of the function of that name
            assert f"{name}.{last}" in shown


KNOWLEDGE = {  # what the user must bring
    "scrcl_graph.tl.annotate": "markers",
    "scrcl_graph.tl.ligand_receptor": "pairs",
    "scrcl_graph.tl.spread_labels": "column",
}


@pytest.mark.parametrize("name", VERBS)
def test_verbs_and_plots_take_adata_first_and_the_rest_by_name(name: str) -> None:
    first, *rest = inspect.signature(VERBS[name]).parameters.values()
    assert first.name == "adata"
    assert first.kind is first.POSITIONAL_OR_KEYWORD
    if name == "scrcl_graph.tl.apply":
        assert rest.pop(0).name == "model"
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in rest)
    without = {parameter.name for parameter in rest if parameter.default is parameter.empty}
    assert without == {KNOWLEDGE[name]} if name in KNOWLEDGE else not without


@pytest.mark.parametrize("name", [name for name in VERBS if name.startswith("scrcl_graph.pl.")])
def test_plots_take_and_return_axes(name: str) -> None:
    signature = inspect.signature(VERBS[name])
    assert signature.parameters["ax"].default is None
    assert signature.return_annotation == "Axes"


def test_the_parameters_of_verbs_are_all_documented() -> None:
    doc = inspect.getdoc(scrcl_graph.tl.refine)
    assert doc is not None
    lines = doc.splitlines()
    assert not [name for name in inspect.signature(scrcl_graph.tl.refine).parameters if name not in lines]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'matter'"):
        scrcl_graph.matter  # noqa: B018
    assert dir(scrcl_graph) == sorted(scrcl_graph.__all__)


def test_networks_and_objectives_need_no_single_cell_package() -> None:
    root = Path(scrcl_graph.__file__).parents[1]
    heavy = {"anndata", "scanpy", "squidpy", "pynndescent"}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, scrcl_graph.nn, scrcl_graph.objectives; print({heavy} & set(sys.modules))",
        ],
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"
