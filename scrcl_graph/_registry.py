"""One way to name a part of the method: layers, objectives, graph builders, clusterers, optimisers."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from scrcl_graph._errors import InputError

T = TypeVar("T")
Spec = Any  # a name, a class, a factory or an instance; or a pair of one of these and its options
NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Registry:
    """Parts of one kind by name.

    Parameters
    ----------
    kind
        For messages: ``"layer"``.
    entries
        What is there from the start.
    register
        For messages: how a user adds one; empty where that is not meant.
    more
        Further parts, which are not listed by :attr:`entries`: a function that makes the dictionary when it is needed.
    """

    def __init__(
        self,
        kind: str,
        entries: Mapping[str, Any],
        *,
        register: str = "",
        more: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self.kind = kind
        self.entries = dict(entries)
        self._register = register
        self._more = more

    def register(self, name: str) -> Callable[[T], T]:
        """Add the decorated class, factory or instance under that name, in place of any other."""

        def add(part: T) -> T:
            self.entries[name] = part
            return part

        return add

    def find(self, name: str) -> Any:
        """The part of that name. Never runs a file.

        Raises
        ------
        InputError
            If there is none; the message lists the names.
        """
        if name in self.entries:
            return self.entries[name]
        more = self._more()
        if name in more:
            return more[name]
        advice = f", or add one with {self._register}" if self._register else ""
        raise InputError(f"unknown {self.kind} '{name}': choose one of {', '.join([*self.entries, *more])}{advice}")

    def resolve(self, spec: Spec) -> tuple[Any, dict[str, Any]]:
        """The class, factory or instance a specification stands for, and its options."""
        part, options = split(spec)
        return self.find(part) if isinstance(part, str) else part, options

    def plain(self, spec: Spec) -> tuple[str, dict[str, Any]]:
        """A specification as name and options: what is written to files and reports."""
        part, options = split(spec)
        return part if isinstance(part, str) else self.name_of(part), options

    def name_of(self, part: Any) -> str:
        """The registered name of a part, else its own, else that of its class."""
        known = (name for name, entry in self.entries.items() if entry is part)
        return next(known, None) or getattr(part, "__name__", None) or type(part).__name__


def split(spec: Spec) -> tuple[Any, dict[str, Any]]:
    """A specification as a pair of the part and its options."""
    if isinstance(spec, tuple | list):
        if len(spec) != 2 or not isinstance(spec[1], Mapping):
            raise InputError(f"{spec!r} is not a pair of a name and its options, such as ('gatv2', {{'heads': 4}})")
        return spec[0], dict(spec[1])
    return spec, {}


_TEXT = re.compile(r"(?:(?P<file>.+\.py):)?(?P<name>[^{}]+?)\s*(?P<options>\{.*\})?", re.DOTALL)


def from_text(text: str, folder: Path | None = None) -> Spec:
    """A specification from text: ``gatv2``, ``gatv2{heads = 4}`` (options as a TOML table), ``mine.py:MyConv``.

    A file is run, so this is for text that a user typed and never for what a saved model says.

    Parameters
    ----------
    text
        The specification.
    folder
        Where a relative path starts; by default the working folder.

    Raises
    ------
    InputError
        If it cannot be read, the file is not there or fails, or it has no such name.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise InputError(f"'{text}' cannot be read: write NAME, NAME{{option = value}} or FILE.py:NAME")
    try:
        options = tomllib.loads(f"options = {found['options'] or '{}'}")["options"]
    except tomllib.TOMLDecodeError as err:
        raise InputError(f"the options of '{text}' are not a TOML table such as {{heads = 4}}: {err}") from err
    part = found["name"] if found["file"] is None else _from_file((folder or Path()) / found["file"], found["name"])
    return (part, options) if options else part


def list_from_text(text: str) -> list[str]:
    """The parts of a list separated by commas, those within braces and brackets aside."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "{[") - (character in "}]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def pairs_from_text(text: str, default: str) -> list[tuple[str, str]]:
    """``gatv2,gene-gene=sage{aggr = "max"}`` as pairs of a place and a specification."""
    pairs = []
    for part in list_from_text(text):
        place, equals, rest = part.partition("=")
        pairs.append((place.strip(), rest.strip()) if equals and "{" not in place else (default, part))
    return pairs


def _from_file(path: Path, name: str) -> Any:
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    found = importlib.util.spec_from_file_location(f"_{path.stem}_of_a_user", path)  # a name that shadows no package
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module  # where PyG looks up the module of a layer
    try:
        found.loader.exec_module(module)
    except Exception as err:
        raise InputError(f"{path} cannot be run: {type(err).__name__}: {err}") from err
    if not hasattr(module, name):
        names = (key for key, value in vars(module).items() if getattr(value, "__module__", None) == found.name)
        raise InputError(f"{path} has no '{name}': it defines {', '.join(names) or 'nothing'}")
    return getattr(module, name)
