"""Synthetic tissue: domains that are mixtures of cell types, in one slice or many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData
from numpy.typing import NDArray

from scrcl_graph.datasets.synthetic import gene_means, place_modules, poisson

Layout = Literal["layers", "patches", "gradient"]
_PATCHES = 3  # islands of each domain in the layout "patches"
_GAP = 0.25  # between the slices


@dataclass(frozen=True)
class PlantedTissue:
    """Counts and the tissue they were drawn from.

    Attributes
    ----------
    counts
        Cells x genes, CSR float32 of whole numbers.
    domains, types, slices
        Domain, type and slice of each cell.
    composition
        Domains x types: share of each type in each domain. Rows sum to one.
    modules
        Module of each gene: m < n_types is raised in type m, n_types + d in domain d, -1 are background genes.
    common
        Cells x 2 in the unit square: where a cell lies in the tissue that all slices are cut from.
    positions
        Cells x 2: the same after each slice but the first was turned by an angle of its own and put beside the others.
    """

    counts: sp.csr_matrix
    domains: NDArray[np.int64]
    types: NDArray[np.int64]
    slices: NDArray[np.int64]
    composition: NDArray[np.float64]
    modules: NDArray[np.int64]
    common: NDArray[np.float32]
    positions: NDArray[np.float32]


def plant_tissue(
    n_cells: int = 600,
    n_genes: int = 300,
    n_domains: int = 4,
    n_types: int = 6,
    *,
    layout: Layout = "layers",
    n_slices: int = 1,
    mixing: float = 0.2,
    module_size: int = 15,
    fold: float = 4.0,
    domain_fold: float = 1.0,
    batch: float = 0.0,
    density: float = 0.2,
    seed: int = 0,
) -> PlantedTissue:
    r"""Draw Poisson counts of cells whose type depends on where they lie.

    Types and domains are put on a circle of ``n_types`` places, type :math:`t` at :math:`t` and domain :math:`d` at
    :math:`d\,n_{types}/n_{domains}`. A domain draws its types with weights :math:`\max(0, 1.5 - distance)`, mixed with
    all types alike: neighbours share types, no type belongs to one domain, and a cell alone does not tell its domain.

    Parameters
    ----------
    n_cells
        Cells of each slice.
    n_genes, n_domains, n_types
        Size of the data.
    layout
        ``"layers"``: wavy bands in the order of the domains; ``"patches"``: each domain is three islands;
        ``"gradient"``: bands without borders, where types and domain genes pass gradually from one to the next.
    n_slices
        Slices of the same tissue, each of other cells.
    mixing
        Share of the cells of a domain that are of any type.
    module_size
        Genes per module.
    fold
        How much more a module is expressed in its type.
    domain_fold
        How much more a domain's own module is expressed there, in all types; 1 leaves these modules out.
    batch
        Standard deviation of the log of a factor that each gene has in each slice; 0 for none.
    density
        Expected share of non-zero counts, roughly.
    seed
        Of everything random.
    """
    if layout not in get_args(Layout):
        raise ValueError(f"unknown layout '{layout}': choose one of {', '.join(get_args(Layout))}")
    rng = np.random.default_rng(seed)
    n = n_cells * n_slices
    slices = np.repeat(np.arange(n_slices), n_cells)
    common = rng.random((n, 2))
    share = _domain_share(rng, common, n_domains, layout)
    domains = share.argmax(axis=1)
    composition = _composition(n_domains, n_types, mixing)
    # the first type at which the cumulated probability passes a uniform number; rounding may leave the sum below one
    passed = (share @ composition).cumsum(axis=1) < rng.random((n, 1))
    types = np.minimum(passed.sum(axis=1), n_types - 1)

    with_own = n_domains if domain_fold != 1.0 else 0
    modules = place_modules(rng, n_genes, n_types + with_own, module_size)
    base = gene_means(rng, n_genes, density) * np.exp(batch * rng.standard_normal((n_slices, n_genes)))
    depth = rng.lognormal(0.0, 0.3, n)
    of_type = 1.0 + (fold - 1.0) * (modules[None, :] == np.arange(n_types)[:, None])
    of_domain = (domain_fold - 1.0) * (modules[None, :] == n_types + np.arange(n_domains)[:, None])

    def rate(block: slice) -> NDArray[np.float64]:
        expected = base[slices[block]] * of_type[types[block]] * (1.0 + share[block] @ of_domain)
        return np.asarray(depth[block, None] * expected)

    counts = poisson(rng, n, rate)
    angles = np.r_[0.0, rng.uniform(0, 2 * np.pi, n_slices - 1)][slices]
    x, y = (common - 0.5).T
    turned = np.column_stack([np.cos(angles) * x - np.sin(angles) * y, np.sin(angles) * x + np.cos(angles) * y])
    turned[:, 0] += (np.sqrt(2) + _GAP) * slices
    return PlantedTissue(
        counts,
        domains,
        types,
        slices,
        composition,
        modules,
        common.astype(np.float32),
        (turned + 0.5).astype(np.float32),
    )


def synthetic_tissue(
    n_cells: int = 600,
    n_genes: int = 300,
    n_domains: int = 4,
    n_types: int = 6,
    *,
    layout: Layout = "layers",
    n_slices: int = 1,
    seed: int = 0,
    **kwargs: float,
) -> AnnData:
    """:func:`plant_tissue` as an AnnData.

    ``obs["domain"]``, ``obs["cell_type"]``, ``obs["slice"]``, ``var["module"]``, ``obsm["spatial"]``.
    """
    data = plant_tissue(
        n_cells,
        n_genes,
        n_domains,
        n_types,
        layout=layout,
        n_slices=n_slices,
        seed=seed,
        **kwargs,  # type: ignore[arg-type]
    )
    modules = [f"type_{m}" for m in range(n_types)] + [f"domain_{d}" for d in range(n_domains)] + ["background"]
    columns = {"domain": data.domains, "cell_type": data.types, "slice": data.slices}
    return AnnData(
        data.counts,
        obs=pd.DataFrame(
            {name: pd.Categorical([f"{name.split('_')[-1]}_{i}" for i in values]) for name, values in columns.items()},
            index=[f"cell_{i}" for i in range(len(data.types))],
        ),
        var=pd.DataFrame(
            {"module": pd.Categorical([modules[m] for m in data.modules])}, index=[f"gene_{i}" for i in range(n_genes)]
        ),
        obsm={"spatial": data.positions},
    )


def _domain_share(
    rng: np.random.Generator, common: NDArray[np.float64], n_domains: int, layout: Layout
) -> NDArray[np.float64]:
    """Cells x domains: how far a cell belongs to each domain. Rows sum to one."""
    if layout == "patches":
        seeds = rng.random((_PATCHES * n_domains, 2))
        nearest = ((common[:, None] - seeds) ** 2).sum(axis=2).argmin(axis=1)
        return np.asarray(np.eye(n_domains)[nearest % n_domains])
    depth = np.clip(common[:, 1] + 0.05 * np.sin(2 * np.pi * common[:, 0]), 0, 1) * n_domains
    if layout == "layers":
        return np.eye(n_domains)[np.minimum(depth.astype(np.int64), n_domains - 1)]
    # linear between the middles of two bands
    middles = np.arange(n_domains) + 0.5
    inside = np.clip(depth, middles[0], middles[-1])
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(inside[:, None] - middles)))


def _composition(n_domains: int, n_types: int, mixing: float) -> NDArray[np.float64]:
    apart = np.abs(np.arange(n_types) - np.arange(n_domains)[:, None] * n_types / n_domains)
    weights = np.maximum(0.0, 1.5 - np.minimum(apart, n_types - apart))
    return np.asarray((1 - mixing) * weights / weights.sum(axis=1, keepdims=True) + mixing / n_types)
