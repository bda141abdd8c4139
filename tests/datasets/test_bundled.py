from __future__ import annotations

import numpy as np

from scrcl_graph import datasets


def test_pbmc68k_reduced_needs_no_network_and_holds_what_its_docstring_says() -> None:
    adata = datasets.pbmc68k_reduced()
    assert adata.shape == (700, 765)
    assert adata.X.min() < 0  # scaled
    values = adata.raw.X.data
    assert values.min() > 0
    assert not (values == np.round(values)).all()  # logarithms, not counts
    assert adata.obs["bulk_labels"].nunique() == 10
