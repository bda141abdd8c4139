"""Seeds of the parts of one run."""

from __future__ import annotations

import numpy as np

from scrcl_graph._errors import InputError

_LARGEST = 2**32 - 1  # that scikit-learn takes


def check_seed(random_state: object) -> int:
    """``random_state``; InputError if it is not a whole number that all our libraries take."""
    if not isinstance(random_state, int | np.integer) or not 0 <= random_state <= _LARGEST:
        raise InputError(f"the seed is {random_state!r}, but must be a whole number from 0 to {_LARGEST}")
    return int(random_state)


def seeds(random_state: int, n: int) -> list[int]:
    """``n`` seeds drawn from one, so that runs of neighbouring seeds have no part in common."""
    return [int(seed) for seed in np.random.SeedSequence(random_state).generate_state(n)]
