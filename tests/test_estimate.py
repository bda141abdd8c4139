from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from anndata import AnnData

from scrcl_graph import InputError
from scrcl_graph.estimate import estimate, estimate_file
from scrcl_graph.presets import get_preset


def test_the_header_gives_the_sizes(planted: AnnData, tmp_path: Path) -> None:
    planted.layers["dense"] = planted.X.toarray()
    planted.write_h5ad(tmp_path / "cells.h5ad")
    sparse = estimate_file(tmp_path / "cells.h5ad")
    assert (sparse.n_cells, sparse.n_genes, sparse.n_entries) == (*planted.shape, planted.X.nnz)
    dense = estimate_file(tmp_path / "cells.h5ad", layer="dense")
    assert dense.n_entries == planted.n_obs * planted.n_vars
    assert f"{planted.n_obs} cells" in str(sparse)


def test_near_what_was_measured() -> None:
    measured = (  # by `make bench`, one of the runs behind docs/performance.md; a page made later has others
        (10_000, 1_092_520, 32, 1.4),
        (30_000, 3_305_403, 91, 2.6),
        (100_000, 11_089_368, 119, 3.6),
        (300_000, 33_059_388, 203, 4.7),
        (1_000_000, 110_514_828, 527, 8.0),
    )
    for n_cells, entries, seconds, gigabytes in measured:
        expected = estimate(n_cells, 2000, entries, n_clusters=10)
        assert expected.seconds == pytest.approx(seconds, rel=0.25)
        assert expected.gigabytes == pytest.approx(gigabytes, rel=0.25)


def test_choosing_the_number_of_clusters_takes_time_too() -> None:
    measured = ((300, 3.3), (700, 4.2), (1500, 6.8), (3000, 11.9), (10_000, 21.0), (20_000, 26.3))  # choose_k alone
    for n_cells, seconds in measured:
        chosen, given = (estimate(n_cells, 2000, 100 * n_cells, n_clusters=k) for k in (None, 10))
        assert chosen.seconds - given.seconds == pytest.approx(seconds, rel=0.25)
        assert chosen.gigabytes == given.gigabytes


def test_cells_that_are_not_learned_from_cost_less() -> None:
    def more(n_cells: int) -> float:
        return estimate(n_cells + 1000, 2000, 100 * n_cells).seconds - estimate(n_cells, 2000, 100 * n_cells).seconds

    assert more(10_000) > 5 * more(100_000)


def test_double_precision_takes_twice_as_much_to_train() -> None:
    default = get_preset("default")
    double = replace(default, plan=replace(default.plan, double_precision=True))
    untrained = replace(default, plan=replace(default.plan, epochs=0))
    expected, once, none = (estimate(10_000, 2000, 1_000_000, preset) for preset in (double, default, untrained))
    assert expected.seconds - once.seconds == pytest.approx(once.seconds - none.seconds)
    assert expected.gigabytes > once.gigabytes


def test_a_matrix_that_stays_in_its_file_is_not_counted() -> None:
    streamed = estimate(1_000_000, 30_000, 1_500_000_000)
    assert streamed.gigabytes < 16  # its entries alone are 12 GB, what is kept and made of the cells is 12 more


def test_what_is_no_h5ad_is_refused(planted: AnnData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        estimate_file(tmp_path / "none.h5ad")
    (tmp_path / "text.h5ad").write_text("no HDF5")
    with pytest.raises(InputError, match="cannot be read"):
        estimate_file(tmp_path / "text.h5ad")
    planted.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match="has no layers/other"):
        estimate_file(tmp_path / "cells.h5ad", layer="other")
