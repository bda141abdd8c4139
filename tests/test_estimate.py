from __future__ import annotations

from pathlib import Path

import pytest
from anndata import AnnData

from scrcl_graph import InputError
from scrcl_graph.estimate import estimate, estimate_file


def test_the_header_gives_the_sizes(planted: AnnData, tmp_path: Path) -> None:
    planted.layers["dense"] = planted.X.toarray()
    planted.write_h5ad(tmp_path / "cells.h5ad")
    sparse = estimate_file(tmp_path / "cells.h5ad")
    assert (sparse.n_cells, sparse.n_genes, sparse.n_entries) == (*planted.shape, planted.X.nnz)
    dense = estimate_file(tmp_path / "cells.h5ad", layer="dense")
    assert dense.n_entries == planted.n_obs * planted.n_vars
    assert f"{planted.n_obs} cells" in str(sparse)


def test_memory_is_linear_and_near_what_was_measured() -> None:
    # docs/results.md: 100,000 cells with 11.1 million entries took 4.3 GB
    measured = estimate(100_000, 2000, 11_089_368)
    assert measured.gigabytes == pytest.approx(4.3, rel=0.25)
    double = estimate(200_000, 2000, 2 * 11_089_368)
    assert double.gigabytes < 2 * measured.gigabytes


def test_what_is_no_h5ad_is_refused(planted: AnnData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        estimate_file(tmp_path / "none.h5ad")
    (tmp_path / "text.h5ad").write_text("no HDF5")
    with pytest.raises(InputError, match="cannot be read"):
        estimate_file(tmp_path / "text.h5ad")
    planted.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match="has no layers/other"):
        estimate_file(tmp_path / "cells.h5ad", layer="other")
