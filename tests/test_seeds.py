from __future__ import annotations

import numpy as np
import pytest

from scrcl_graph._errors import InputError
from scrcl_graph._seeds import check_seed, seeds


def test_neighbouring_seeds_have_nothing_in_common() -> None:
    drawn = [seed for random_state in range(100) for seed in seeds(random_state, 4)]
    assert len(set(drawn)) == len(drawn)
    assert seeds(7, 4) == seeds(7, 4)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, None, "0"])
def test_what_is_no_seed_for_all_libraries_is_refused(seed: object) -> None:
    with pytest.raises(InputError, match="whole number from 0 to 4294967295"):
        check_seed(seed)


def test_the_largest_seed_and_those_of_numpy_are_taken() -> None:
    assert check_seed(2**32 - 1) == 2**32 - 1
    assert check_seed(np.int64(3)) == 3
