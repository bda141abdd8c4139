from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from anndata import AnnData

from scrcl_graph.benchmark import prior


def test_correlations_are_each_edge_once_with_its_sign() -> None:
    x = np.random.default_rng(0).normal(size=200)
    X = np.stack([x, x + 0.01, -x, np.random.default_rng(1).normal(size=200)], axis=1)
    adata = AnnData(sp.csr_matrix(X))
    adata.var_names = ["a", "b", "c", "d"]
    table = prior.correlations(adata).set_index(["gene", "other"])["weight"]
    assert table["a", "b"] == pytest.approx(1)
    assert table["a", "c"] == pytest.approx(-1)
    assert len(table) == 6  # of four genes, each pair


@pytest.mark.slow
def test_each_size_gets_a_row_without_and_with_a_prior(data_dir: Path) -> None:
    table = prior.prior_table(data_dir / "pbmc3k.h5ad", [150], 1, "cell_type").splitlines()
    logging.getLogger("scrcl_graph.gr.prior").setLevel(logging.NOTSET)
    assert table[2].startswith("| 150 | 0.")
    assert table[2].count("±") == 3
