"""Objectives by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor

from scrcl_graph._errors import InputError
from scrcl_graph._registry import Registry, Spec
from scrcl_graph.objectives._batch import Batch, Objective
from scrcl_graph.objectives.alignment import Alignment
from scrcl_graph.objectives.association import Association
from scrcl_graph.objectives.consistency import Consistency
from scrcl_graph.objectives.neighbourhood import NeighbourhoodContrast

T = TypeVar("T")

OBJECTIVES = Registry(
    "objective",
    {objective.name: objective for objective in (Alignment, NeighbourhoodContrast, Consistency, Association)},
    register='objectives.register_objective("name")',
)


def register_objective(name: str) -> Callable[[T], T]:
    """Decorator that gives an objective a name: a function of a :class:`Batch`, or a class whose instances are one.

    Networks are trained side by side, in threads: keep state in a class, of which each has its own instance.
    """
    return OBJECTIVES.register(name)


@dataclass
class _Named:
    name: str
    function: Callable[[Batch], Tensor]

    def __call__(self, batch: Batch) -> Tensor:
        return self.function(batch)


def make_objectives(weights: Mapping[Spec, float]) -> tuple[list[Objective], dict[str, float]]:
    """The objectives of a plan, and the weight of each by its name.

    Parameters
    ----------
    weights
        Keys are names, functions, classes or instances; a weight of 0 leaves an objective out.

    Raises
    ------
    InputError
        If a name is unknown (the message lists the names), two objectives have one name, or none is left.
    """
    made: dict[str, Objective] = {}
    chosen: dict[str, float] = {}
    for spec, weight in weights.items():
        if weight == 0:
            continue
        part, _ = OBJECTIVES.resolve(spec)
        name = objective_name(spec)
        if name in made:
            raise InputError(f"two objectives are called '{name}': give one of them another name")
        function: Any = part() if inspect.isclass(part) else part
        made[name] = _Named(name, function)
        chosen[name] = float(weight)
    if not made:
        raise InputError("there is nothing to minimise: give at least one objective a weight that is not 0")
    return list(made.values()), chosen


def objective_name(spec: Spec) -> str:
    """What an objective is called in the history, in ``uns`` and in files."""
    if isinstance(spec, str):
        return spec
    own = getattr(spec, "name", None)
    return own if isinstance(own, str) else OBJECTIVES.name_of(spec)
