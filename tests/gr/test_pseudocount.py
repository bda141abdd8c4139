from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp

from scrcl_graph import _preprocess as pre
from scrcl_graph.datasets import plant
from scrcl_graph.gr import Coordinates, correspondence, mean_abundance, one_molecule, pca
from scrcl_graph.gr.pseudocount import relog

Fit = Callable[..., Coordinates]


@pytest.fixture(scope="module")
def counts() -> sp.csr_matrix:
    return plant(70, 45, 3, module_size=8, density=0.4, seed=1).counts


def test_one_molecule_of_a_median_cell(counts: sp.csr_matrix) -> None:
    dense = counts.toarray()
    smallest = [row[row > 0].min() / row.sum() for row in dense]
    got = one_molecule(pre.log_normalize(counts, "counts"))
    np.testing.assert_allclose(got, np.full(45, 1e4 * np.median(smallest)), rtol=1e-5)
    deep = counts * 1000
    deep.data[deep.indptr[:-1]] = 1  # one molecule of many more than 10,000
    np.testing.assert_array_equal(one_molecule(pre.log_normalize(deep, "counts")), np.ones(45))
    empty_cells = sp.vstack([counts, sp.csr_matrix((200, 45), dtype=np.float32)], format="csr")
    np.testing.assert_allclose(one_molecule(pre.log_normalize(empty_cells, "counts")), got)


def test_mean_abundance_of_each_gene(counts: sp.csr_matrix) -> None:
    counts = sp.hstack([counts, sp.csr_matrix((70, 1), dtype=np.float32)], format="csr")
    dense = counts.toarray().astype(np.float64)
    expected = (1e4 * dense / dense.sum(axis=1, keepdims=True)).mean(axis=0)
    expected[-1] = 1.0  # a gene without expression
    np.testing.assert_allclose(mean_abundance(pre.log_normalize(counts, "counts")), expected, rtol=1e-5)


def test_relog_is_the_logarithm_with_that_pseudocount(counts: sp.csr_matrix) -> None:
    dense = counts.toarray().astype(np.float64)
    linear = 1e4 * dense / dense.sum(axis=1, keepdims=True)
    pseudocount = np.linspace(0.5, 200, 45).astype(np.float32)
    logged = pre.log_normalize(counts, "counts")
    before = logged.copy()
    np.testing.assert_allclose(relog(logged, pseudocount).toarray(), np.log1p(linear / pseudocount), rtol=1e-5)
    assert np.array_equal(logged.data, before.data)


@pytest.mark.parametrize("target", [500.0, 1e6])
def test_coordinates_do_not_depend_on_what_counts_were_scaled_to(counts: sp.csr_matrix, target: float) -> None:
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    scaled = sp.csr_matrix(sp.diags_array(target / totals) @ counts.astype(np.float32))
    here, there = pre.log_normalize(counts, "counts"), scaled.log1p()
    assert one_molecule(there)[0] > 1
    for make, pseudocount in ((correspondence, one_molecule), (pca, one_molecule), (pca, mean_abundance)):
        one = make(here, 5, pseudocount=pseudocount(here)).transform(here)
        other = make(there, 5, pseudocount=pseudocount(there)).transform(there)
        np.testing.assert_allclose(other, one, atol=2e-3 * np.abs(one).max())


@pytest.mark.parametrize("make", [correspondence, pca])
def test_a_map_with_a_pseudocount_is_the_map_of_what_it_makes_of_expression(counts: sp.csr_matrix, make: Fit) -> None:
    logged = pre.log_normalize(counts, "counts")
    pseudocount = mean_abundance(logged)
    with_it, on_it = make(logged, 5, pseudocount=pseudocount), make(relog(logged, pseudocount), 5)
    np.testing.assert_allclose(with_it.transform(logged), on_it.transform(relog(logged, pseudocount)), atol=1e-4)
    np.testing.assert_allclose(with_it.decoder, on_it.decoder, atol=1e-5)
