from __future__ import annotations

from scrcl_graph._seeds import seeds


def test_neighbouring_seeds_have_nothing_in_common() -> None:
    drawn = [seed for random_state in range(100) for seed in seeds(random_state, 4)]
    assert len(set(drawn)) == len(drawn)
    assert seeds(7, 4) == seeds(7, 4)
