"""Synthetic counts with planted cell types, gene modules and tissue domains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData
from numpy.typing import NDArray

_CHUNK = 10_000  # cells drawn at a time, so that the dense rates never take much memory


@dataclass(frozen=True)
class Planted:
    """Counts and the structure they were drawn from.

    Attributes
    ----------
    counts
        Cells x genes, CSR float32 of whole numbers.
    types
        Type of each cell.
    modules
        Module of each gene, -1 for background genes. Module m is raised in type m.
    positions
        Cells x 2.
    domains
        Band of the tissue that each cell lies in.
    """

    counts: sp.csr_matrix
    types: NDArray[np.int64]
    modules: NDArray[np.int64]
    positions: NDArray[np.float32]
    domains: NDArray[np.int64]


def plant(
    n_cells: int = 500,
    n_genes: int = 300,
    n_types: int = 4,
    *,
    module_size: int = 20,
    fold: float = 6.0,
    density: float = 0.1,
    seed: int = 0,
) -> Planted:
    """Draw Poisson counts with one module of raised genes per type, on a tissue of bands.

    Gene means and cell depths are log-normal. Cells lie at random in the unit square, cut into ``n_types`` horizontal
    bands (domains); 80 % of the cells of a band are of its own type, the others of any.

    Parameters
    ----------
    n_cells, n_genes, n_types
        Size of the data.
    module_size
        Genes per module.
    fold
        How much more a module is expressed in its type.
    density
        Expected share of non-zero counts, roughly.
    seed
        Of everything random. The genes of one seed are the same for any number of cells.
    """
    rng = np.random.default_rng(seed)
    modules = place_modules(rng, n_genes, n_types, module_size)  # genes first: the same for any number of cells
    base = gene_means(rng, n_genes, density)
    positions = rng.random((n_cells, 2)).astype(np.float32)
    domains = np.minimum((positions[:, 1] * n_types).astype(np.int64), n_types - 1)
    types = np.where(rng.random(n_cells) < 0.8, domains, rng.integers(n_types, size=n_cells))
    depth = rng.lognormal(0.0, 0.3, n_cells)
    raised = 1.0 + (fold - 1.0) * (modules[None, :] == np.arange(n_types)[:, None])
    counts = poisson(rng, n_cells, lambda block: depth[block, None] * base[None, :] * raised[types[block]])
    return Planted(counts, types, modules, positions, domains)


def place_modules(rng: np.random.Generator, n_genes: int, n_modules: int, size: int) -> NDArray[np.int64]:
    """Module of each gene, in random order; -1 for the genes that are left over."""
    if n_modules * size > n_genes:
        raise ValueError(f"{n_modules} modules of {size} genes do not fit in {n_genes} genes")
    modules = np.full(n_genes, -1, dtype=np.int64)
    modules[: n_modules * size] = np.repeat(np.arange(n_modules), size)
    return rng.permutation(modules)


def gene_means(rng: np.random.Generator, n_genes: int, density: float) -> NDArray[np.float64]:
    """Log-normal means of Poisson counts of which a share of ``density`` is about what is not zero."""
    base = rng.lognormal(0.0, 0.7, n_genes)
    return np.asarray(base * (-np.log1p(-density) / base.mean()))


def poisson(rng: np.random.Generator, n_cells: int, rate: Callable[[slice], NDArray[np.float64]]) -> sp.csr_matrix:
    """Counts of all cells, from the means (cells x genes) that ``rate`` gives for a range of them."""
    ranges = (slice(start, min(start + _CHUNK, n_cells)) for start in range(0, n_cells, _CHUNK))
    parts = [sp.csr_matrix(rng.poisson(rate(block)).astype(np.float32)) for block in ranges]
    return sp.csr_matrix(sp.vstack(parts))


def synthetic(n_cells: int = 500, n_genes: int = 300, n_types: int = 4, *, seed: int = 0, **kwargs: float) -> AnnData:
    """:func:`plant` as an AnnData: ``obs["cell_type"]``, ``obs["domain"]``, ``var["module"]``, ``obsm["spatial"]``."""
    data = plant(n_cells, n_genes, n_types, seed=seed, **kwargs)  # type: ignore[arg-type]
    return AnnData(
        data.counts,
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical([f"type_{i}" for i in data.types]),
                "domain": pd.Categorical([f"domain_{i}" for i in data.domains]),
            },
            index=[f"cell_{i}" for i in range(n_cells)],
        ),
        var=pd.DataFrame({"module": data.modules}, index=[f"gene_{i}" for i in range(n_genes)]),
        obsm={"spatial": data.positions},
    )
