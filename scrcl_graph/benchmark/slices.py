"""Many slices: whether a domain is found in each, under one name, together or one by one."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import scipy.sparse as sp
import typer
from anndata import AnnData
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from scrcl_graph import datasets, tl
from scrcl_graph.benchmark.data import NOT_LABELS
from scrcl_graph.io import read_h5ad

_SEEDS = 5
_DEPTH = 1 / 3  # of the molecules that are left to the second half of a tissue cut in two
_GENE_EFFECT = 0.5  # sd of the logarithm of the factor by which a gene is read more or less there


def slices_table(files: list[Path], cut: list[Path], label: str) -> str:
    """A Markdown table: agreement with the annotation over all slices at once, and within slices (mean), 5 seeds.

    Parameters
    ----------
    files
        Annotated tissues to take as the slices of one.
    cut
        Annotated tissues of whole counts to take as two slices each, across x and across y (:func:`cut_in_two`).
    label
        Column of the annotation.
    """
    stacks = {
        f"synthetic {layout}, batch {batch}": datasets.synthetic_tissue(
            600, 300, 5, 8, layout=layout, n_slices=3, batch=batch, fold=3.0, seed=1
        )
        for layout in ("layers", "patches")
        for batch in (0.0, 0.5)
    }
    uneven = datasets.synthetic_tissue(600, 300, 5, 8, n_slices=3, batch=0.5, fold=3.0, seed=1)
    slices, domains = uneven.obs["slice"], uneven.obs["domain"]
    lost = (slices.eq("slice_0") & domains.isin(["domain_3", "domain_4"])) | (
        slices.eq("slice_1") & domains.isin(["domain_0", "domain_1"])
    )
    stacks["synthetic layers, batch 0.5, two of five layers cut off from two slices"] = uneven[~lost].copy()
    planted = set(stacks)
    if files:
        read = {path.stem: read_h5ad(path) for path in files}
        stacks[" + ".join(read)] = anndata.concat(read, label="slice", index_unique="-")
    for path in cut:
        for axis, name in enumerate("xy"):
            stacks[f"{path.stem}, cut across {name}"] = cut_in_two(read_h5ad(path), axis, seed=axis)
    lines = [
        "| slices | together | not told of slices | within slices: together | one by one |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, stack in stacks.items():
        runs = np.array([_scores(stack, "domain" if name in planted else label, seed) for seed in range(_SEEDS)])
        cells = [f"{mean:.3f} ± {sd:.3f}" for mean, sd in zip(runs.mean(axis=0), runs.std(axis=0), strict=True)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
        typer.echo(lines[-1], err=True)
    return "\n".join(lines)


def cut_in_two(adata: AnnData, axis: int, seed: int) -> AnnData:
    """A tissue as two slices, of which the second is read to a third of its molecules, each gene more or less.

    Every molecule is kept or lost by itself, so that counts stay counts; cells without a molecule left are dropped.

    Parameters
    ----------
    adata
        Whole counts, positions in ``obsm["spatial"]``.
    axis
        Coordinate at whose median the tissue is cut.
    seed
        Of the molecules and of the genes' factors (log-normal).
    """
    rng = np.random.default_rng(seed)
    place = adata.obsm["spatial"][:, axis]
    first, second = (adata[half].copy() for half in (place < np.median(place), place >= np.median(place)))
    counts = sp.csr_matrix(second.X, dtype=np.float32)
    kept = np.minimum(1.0, _DEPTH * np.exp(_GENE_EFFECT * rng.standard_normal(adata.n_vars)))
    counts.data = rng.binomial(counts.data.astype(np.int64), kept[counts.indices]).astype(np.float32)
    counts.eliminate_zeros()
    first.X, second.X = sp.csr_matrix(first.X, dtype=np.float32), counts
    second = second[np.diff(counts.indptr) > 0]
    return anndata.concat({"first": first, "second": second}, label="slice", index_unique="-")


def _scores(stack: AnnData, label: str, seed: int) -> tuple[float, float, float, float]:
    truth = stack.obs[label].astype(str).to_numpy()
    library = stack.obs["slice"].astype(str).to_numpy()
    bare = stack.copy()
    bare.obs = bare.obs[["slice"]]

    def found(adata: AnnData, library_key: str | None) -> NDArray[np.int64]:
        here = truth[stack.obs_names.get_indexer(adata.obs_names)]
        k = len(set(here) - set(NOT_LABELS))
        tl.domains(adata, n_clusters=k, library_key=library_key, random_state=seed)
        return np.asarray(adata.obs["scrcl"].cat.codes, dtype=np.int64)

    def agreement(labels: NDArray[np.int64], cells: NDArray[np.bool_]) -> float:
        scored = cells & ~np.isin(truth, NOT_LABELS)
        return float(adjusted_rand_score(truth[scored], labels[scored]))

    everything, slices = np.ones(len(truth), dtype=bool), [library == one for one in np.unique(library)]
    together, untold = found(bare.copy(), "slice"), found(bare.copy(), None)
    alone = np.zeros(len(truth), dtype=np.int64)
    for cells in slices:
        alone[cells] = found(bare[cells].copy(), None)
    return (
        agreement(together, everything),
        agreement(untold, everything),
        float(np.mean([agreement(together, cells) for cells in slices])),
        float(np.mean([agreement(alone, cells) for cells in slices])),
    )
