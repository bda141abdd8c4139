"""What holds on a GPU; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scrcl_graph import ScRCL, datasets
from scrcl_graph.presets import get_preset

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def _embedding(device: str, *, double_precision: bool) -> NDArray[np.float32]:
    default = get_preset("default")
    plan = replace(default.plan, double_precision=double_precision)
    model = ScRCL(4, preset=replace(default, plan=plan, n_runs=2), device=device)
    return model.fit(datasets.synthetic(600, 200, 4, density=0.2).X).embedding_


def test_a_gpu_gives_the_embedding_of_a_cpu_in_double_precision() -> None:
    found, wanted = (_embedding(device, double_precision=True) for device in ("cuda", "cpu"))
    assert np.abs(found - wanted).max() < 1e-4


@pytest.fixture
def _deterministic(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("_deterministic")
def test_a_gpu_that_has_to_be_deterministic_gives_the_same_bits() -> None:
    first, second = (_embedding("cuda", double_precision=False) for _ in range(2))
    assert first.tobytes() == second.tobytes()
