"""Labelled data sets, and the only place where labels and data are taken apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from anndata import AnnData
from anndata.utils import make_index_unique
from numpy.typing import NDArray

from scrcl_graph._errors import InputError
from scrcl_graph.io import read_h5ad

NOT_LABELS = ("unlabelled", "undetermined", "nan")  # left out of the score, not of the data
_SHUFFLE = 20251210


@dataclass(frozen=True)
class LabelledSet:
    """A file with an annotation.

    Attributes
    ----------
    name
        Of the file, without its ending.
    path
        Of the file.
    bare
        What methods get: the matrix, the gene names and the positions, with the cells shuffled and renamed. No
        annotation of any kind, and no order, as files are often sorted by label.
    truth
        The class of each cell of ``bare``, as strings.
    scored
        Whether a cell has a class.
    """

    name: str
    path: Path
    bare: AnnData
    truth: NDArray[np.str_]
    scored: NDArray[np.bool_]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(np.unique(self.truth[self.scored]))

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def find_sets(folder: Path, names: Sequence[str] | None = None) -> list[Path]:
    """The ``.h5ad`` files of a folder, or those of these names.

    Raises
    ------
    InputError
        If the folder or a named file is not there, or the folder has none.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    paths = sorted(folder.glob("*.h5ad")) if names is None else [folder / f"{name}.h5ad" for name in names]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(f"there is no file {missing[0]}")
    if not paths:
        raise InputError(f"there is no .h5ad file in {folder}")
    return paths


def load(path: Path, label: str) -> LabelledSet | None:
    """Read a file and take its labels away; None where it has no such column or fewer than two classes."""
    annotated = read_h5ad(path).to_memory()  # large matrices were left in the file
    if label not in annotated.obs:
        return None
    truth = annotated.obs[label].astype(str).to_numpy().astype(str)
    order = np.random.default_rng(_SHUFFLE).permutation(len(truth))
    bare = AnnData(sp.csr_matrix(annotated.X, dtype=np.float32)[order])
    bare.obs_names = [f"cell_{i}" for i in range(len(order))]
    bare.var_names = make_index_unique(annotated.var_names.copy())  # so that none is refused for its names
    if "spatial" in annotated.obsm:
        bare.obsm["spatial"] = np.asarray(annotated.obsm["spatial"])[order]
    found = LabelledSet(path.stem, path, bare, truth[order], ~np.isin(truth[order], NOT_LABELS))
    return found if found.n_classes > 1 else None
