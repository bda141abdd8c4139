"""Seeds of the parts of one run."""

from __future__ import annotations

import numpy as np


def seeds(random_state: int, n: int) -> list[int]:
    """``n`` seeds drawn from one, so that runs of neighbouring seeds have no part in common."""
    return [int(seed) for seed in np.random.SeedSequence(random_state).generate_state(n)]
