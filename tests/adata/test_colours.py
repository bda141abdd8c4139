from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from scrcl_graph._adata.colours import colours, palette


def test_a_colour_does_not_depend_on_how_many_follow_and_sixty_differ() -> None:
    assert palette(70)[:7] == palette(7)
    assert len(set(palette(60))) == 60
    assert palette(70)[60:] == palette(10)


def test_stored_colours_are_taken_where_they_fit_the_categories() -> None:
    adata = AnnData(obs=pd.DataFrame({"part": pd.Categorical(["b", "a"])}, index=["0", "1"]))
    assert colours(adata, "part") == {"a": palette(2)[0], "b": palette(2)[1]}
    adata.uns["part_colors"] = np.array(["#ffffff", "#000000"])
    assert colours(adata, "part") == {"a": "#ffffff", "b": "#000000"}
    adata.uns["part_colors"] = ["white", (0, 0, 0), "red"]  # more than there are, as after categories are dropped
    assert colours(adata, "part") == {"a": "#ffffff", "b": "#000000"}


@pytest.mark.parametrize("stored", [["#ffffff"], ["white", "nonsense"], "white", {"a": "white"}, 3])
def test_what_are_no_colours_of_the_categories_is_passed_over(stored: object) -> None:
    adata = AnnData(obs=pd.DataFrame({"part": pd.Categorical(["b", "a"])}, index=["0", "1"]))
    adata.uns["part_colors"] = stored
    assert colours(adata, "part") == {"a": palette(2)[0], "b": palette(2)[1]}


def test_categories_that_are_no_text_have_colours_by_their_text() -> None:
    adata = AnnData(obs=pd.DataFrame({"part": pd.to_datetime(["2020-01-01", "2021-01-01"])}, index=["0", "1"]))
    assert list(colours(adata, "part")) == ["2020-01-01", "2021-01-01"]
