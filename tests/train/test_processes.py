from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def torchrun(n_processes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n_processes}"]
        + [str(argument) for argument in arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("n_processes", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_processes_that_share_the_cells_give_the_result_of_one(n_processes: int, tmp_path: Path) -> None:
    done = torchrun(n_processes, Path(__file__).with_name("shared.py"), tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "result.json").read_text())
    assert found["loss"] < 1e-10
    assert found["weights"] < 1e-10
    assert found["moved"] > 1e-3
    assert found["resumed"]
    assert found["layer"].startswith("the layer 'gcn' on 'similar_to' does not give the same")
    assert "cannot be sent to the other processes" in found["objective"]
