"""Two independent halves of the counts: one to find clusters in, one to test them in."""

from __future__ import annotations

import numpy as np
from anndata import AnnData

from scrcl_graph import _preprocess as pre
from scrcl_graph._adata.source import read_source
from scrcl_graph._errors import InputError
from scrcl_graph._matrix import not_in_memory
from scrcl_graph._seeds import check_seed
from scrcl_graph.tl._checks import check_copy


def split_counts(
    adata: AnnData, *, share: float = 0.5, layer: str | None = None, random_state: int = 0, copy: bool = False
) -> AnnData | None:
    """Split every count at random into a part to find clusters in and a part to test them in.

    Each of x molecules goes to the first part with probability ``share``. For Poisson counts the parts are independent
    (count splitting, Neufeld et al. 2022, arXiv 2207.00554), so clusters of the first part do not follow the noise of
    the second, and p-values in it hold for found clusters too; where counts vary more than Poisson they hold
    approximately. Then ``refine(adata, layer="split_find")`` and ``associations(adata, layer="split_test")``.

    Parameters
    ----------
    adata
        With raw counts.
    share
        Of the molecules that go to ``layers["split_find"]``, between 0 and 1.
    layer
        Layer to read; by default ``X``.
    random_state
        Seed.
    copy
        Return a copy with the results instead of writing to ``adata``.

    Returns
    -------
    None, or with ``copy`` the annotated copy. Sets ``layers["split_find"]`` and ``layers["split_test"]`` (CSR
    float32), whose sum is the matrix read.

    Raises
    ------
    InputError
        If the values are not whole counts, or ``share`` is out of range.
    """
    if not 0 < share < 1:
        raise InputError(f"share is {share}, but must be between 0 and 1")
    check_copy(adata, copy)
    source = read_source(adata, layer)
    if not_in_memory(source.matrix):
        raise InputError(f"{source.where} is not in memory, where it is split: load it with adata.to_memory()")
    counts = pre.as_csr(source.matrix)
    if counts.shape != adata.shape:
        raise InputError("adata.raw has other genes than adata: split a layer, or a copy made by adata.raw.to_adata()")
    if (counts.data < 0).any() or (counts.data != np.round(counts.data)).any():
        raise InputError("only whole counts can be split: name the layer that holds them with layer=")
    find, test = counts.copy(), counts.copy()
    find.data = (
        np.random.default_rng(check_seed(random_state)).binomial(counts.data.astype(np.int64), share).astype(np.float32)
    )
    test.data -= find.data
    target = adata.copy() if copy else adata
    for name, part in (("split_find", find), ("split_test", test)):
        part.eliminate_zeros()
        target.layers[name] = part
    return target if copy else None
