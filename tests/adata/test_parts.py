from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from scrcl_graph import InputError
from scrcl_graph._adata.parts import categories, slices


def column(values: object) -> AnnData:
    return AnnData(obs=pd.DataFrame({"part": values}, index=["0", "1", "2"]))


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (pd.to_datetime(["2021-01-01", "2020-01-01", "2021-01-01"]), ["2020-01-01", "2021-01-01"]),
        (np.array([10.5, 0.1, 10.5], np.float32), ["0.1", "10.5"]),
        ([10, 9, 10], ["9", "10"]),
        (pd.Categorical(["b", "a", "b"], ["b", "none", "a"]), ["b", "a"]),
    ],
)
def test_groups_and_slices_are_named_alike_in_the_order_of_their_values(values: object, names: list[str]) -> None:
    adata = column(values)
    groups = categories(adata, "part")
    assert list(groups.cat.categories) == names
    assert list(groups) == list(slices(adata, "part"))  # type: ignore[arg-type]
    assert list(adata.obs["part"]) == list(values)  # type: ignore[call-overload]


def test_two_values_that_read_alike_are_refused() -> None:
    with pytest.raises(InputError, match=r"obs\['part'\] has two values that read '1': rename one"):
        categories(column([1, "1", "2"]), "part")
