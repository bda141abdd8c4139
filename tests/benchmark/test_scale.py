from __future__ import annotations

from pathlib import Path

import pytest

from scrcl_graph._settings import logger
from scrcl_graph.benchmark.scale import run_file, write_cells


@pytest.mark.slow  # a whole run of the default preset
def test_a_run_from_file_to_file_tells_its_parts(tmp_path: Path) -> None:
    write_cells(tmp_path / "cells.h5ad", 300, 600, 0.1, "default")
    ari, seconds = run_file(tmp_path / "cells.h5ad", "default")
    logger.handlers.clear()
    assert ari > 0.8
    assert {"reading", "graph and coordinates", "training", "clusters", "writing"} == set(seconds)
    assert (tmp_path / "out.h5ad").is_file()
