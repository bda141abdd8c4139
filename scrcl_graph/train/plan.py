"""How long and with what weights a network is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from scrcl_graph._checks import AT_LEAST_ONE, check_fields
from scrcl_graph._registry import Spec


@dataclass(frozen=True)
class TrainingPlan:
    """Settings of one training run; the same for every data set.

    Attributes
    ----------
    weights
        Weight of each objective in the total, by its name (:data:`scrcl_graph.objectives.OBJECTIVES`) or by itself.
    epochs
        Largest number of full-batch steps.
    lr, weight_decay
        Of the optimiser.
    optimizer
        ``"adamw"`` or ``"adam"``.
    tau
        Temperature of the softmax over embedding dimensions.
    tolerance, window
        Stopping rule: training ends when the mean loss of the last ``window`` epochs is less than ``tolerance``
        (relative) below the mean of the ``window`` before, looked at every ``window`` epochs. It reads nothing but the
        loss. None: never.
    tile_cells
        A graph of more cells is trained on in tiles of at most so many, with the same gradients up to rounding: a
        second forward pass, and less memory where a layer needs much of it (:class:`scrcl_graph.train.InTiles`).
        None: never.
    double_precision
        Train in double precision (:func:`train_runs`; :func:`train` takes network and graph as they come). Rounding,
        which training amplifies, then hardly reaches the embedding: several processes give that of one within 1e-5. It
        takes about twice the time and memory of training.

    Raises
    ------
    InputError
        If a value is of another type or out of its range.
    """

    weights: Mapping[Spec, float] = field(
        default_factory=lambda: {"alignment": 1.0, "neighbourhood": 100.0, "consistency": 1.0, "association": 3.0}
    )
    epochs: int = 30
    lr: float = 2e-3
    weight_decay: float = 1e-2
    optimizer: str = "adamw"
    tau: float = 0.1
    tolerance: float | None = 0.0
    window: int = 10
    tile_cells: int | None = None
    double_precision: bool = False

    def __post_init__(self) -> None:
        """Refuse values that no training can be made of."""
        check_fields(self, _LIMITS)


_LIMITS = {
    "epochs": (0, inf),
    "lr": (0, inf),
    "weight_decay": (0, inf),
    "tau": (1e-6, inf),
    "window": AT_LEAST_ONE,
    "tile_cells": AT_LEAST_ONE,
}
