from __future__ import annotations

import pytest
from scipy.stats import fisher_exact

from scrcl_graph import stats


def test_enrichment_is_fishers_exact_test_within_the_universe() -> None:
    universe = [f"g{i}" for i in range(50)]
    sets = {"mine": ["g0", "g1", "g2", "g3", "other"], "not": ["g40", "g41"], "outside": ["x", "y"]}
    found = stats.enrichment(["g0", "g1", "g2", "g9"], universe, sets)
    assert found["set"].tolist() == ["mine"]
    assert found.loc[0, ["overlap", "size"]].tolist() == [3, 4]
    assert found.loc[0, "pvalue"] == pytest.approx(fisher_exact([[3, 1], [1, 45]], alternative="greater").pvalue)
    assert found.loc[0, "padj"] == pytest.approx(2 * found.loc[0, "pvalue"])  # two sets have genes here
    assert stats.enrichment(["g0"], universe, {}).empty
