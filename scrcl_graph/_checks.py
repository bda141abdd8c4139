"""What the values of a class of settings may be: the type each field declares, within limits."""

from __future__ import annotations

import types
from collections.abc import Mapping
from math import inf
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from scrcl_graph._errors import InputError

AT_LEAST_ONE = (1, inf)


def check_fields(settings: object, limits: Mapping[str, tuple[float, float]]) -> None:
    """Refuse a dataclass with a value that is not of its field's type, or not within its limits (both included).

    Raises
    ------
    InputError
        In one sentence, for the first such field.
    """
    for name, hint in get_type_hints(type(settings)).items():
        value = getattr(settings, name)
        lowest, highest = limits.get(name, (-inf, inf))
        if _fits(value, hint) and (not isinstance(value, Real) or lowest <= float(value) <= highest):
            continue
        bounds = f" of at least {lowest:g}" if lowest > -inf else ""
        bounds += f" and at most {highest:g}" if highest < inf else ""
        raise InputError(f"{name} is {value!r}: give {_words(hint, bounds)}")


def _fits(value: Any, hint: Any) -> bool:
    kind, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if kind in (Union, types.UnionType):
        return any(_fits(value, one) for one in parts)
    if kind is Literal:
        return value in parts
    if kind is tuple:
        return isinstance(value, tuple) and bool(value) and all(_fits(one, parts[0]) for one in value)
    if kind is Mapping:
        return isinstance(value, Mapping) and all(_fits(one, parts[1]) for one in value.values())
    if hint in (int, float):
        return isinstance(value, Integral if hint is int else Real) and not isinstance(value, bool)
    return isinstance(value, hint)


def _words(hint: Any, bounds: str = "") -> str:
    kind, parts = get_origin(hint), get_args(hint)
    if kind in (Union, types.UnionType):
        return " or ".join(_words(one, bounds) for one in parts)
    if kind is Literal:
        return "one of " + ", ".join(map(repr, parts))
    if kind is tuple:
        return f"a list, each {_words(parts[0])}"
    if kind is Mapping:
        return f"a table, each value {_words(parts[1])}"
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "None"}
    return names.get(hint, getattr(hint, "__name__", "a part")) + (bounds if hint in (int, float) else "")
