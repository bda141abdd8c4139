"""Settings of a wrong type or out of their range are refused, in a sentence that says what to give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Literal

import numpy as np
import pytest

from scrcl_graph._checks import check_fields
from scrcl_graph._errors import InputError


@dataclass(frozen=True)
class Recipe:
    """One field of each kind."""

    spoons: int = 2
    degrees: float = 180
    kind: Literal["cake", "bread"] = "cake"
    sweet: bool = True
    minutes: int | None = None
    steps: tuple[str, ...] = ("mix",)
    grams: Mapping[str, float] = field(default_factory=dict)
    cook: Any = None

    def __post_init__(self) -> None:
        check_fields(self, {"spoons": (1, 9), "degrees": (0, inf), "minutes": (5, inf)})


def test_what_is_declared_is_taken() -> None:
    Recipe(spoons=np.int64(9), degrees=np.float32(20.5), minutes=5, steps=("mix", "bake"), grams={"flour": 2}, cook=3)
    Recipe(spoons=1, degrees=0, sweet=False, minutes=None, cook="me")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"spoons": 0}, "spoons is 0: give a whole number of at least 1 and at most 9"),
        ({"spoons": 10}, "spoons is 10: give a whole number of at least 1 and at most 9"),
        ({"spoons": 2.0}, "spoons is 2.0: give a whole number"),
        ({"spoons": True}, "spoons is True: give a whole number"),
        ({"degrees": float("nan")}, "degrees is nan: give a number of at least 0"),
        ({"degrees": "hot"}, "degrees is 'hot': give a number of at least 0"),
        ({"kind": "pie"}, "kind is 'pie': give one of 'cake', 'bread'"),
        ({"sweet": 1}, "sweet is 1: give true or false"),
        ({"minutes": 4}, "minutes is 4: give a whole number of at least 5 or None"),
        ({"steps": ()}, r"steps is \(\): give a list, each a text"),
        ({"steps": ("mix", 3)}, r"steps is \('mix', 3\): give a list, each a text"),
        ({"grams": {"flour": "much"}}, "grams is {'flour': 'much'}: give a table, each value a number"),
    ],
)
def test_anything_else_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        replace(Recipe(), **change)
