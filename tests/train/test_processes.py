from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anndata
import pytest

from scrcl_graph import datasets

ROOT = Path(__file__).parents[2]


HERE: dict[str, Any] = {
    "cwd": ROOT,
    "env": os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    "text": True,
}


def command(n_processes: int, *arguments: object) -> list[str]:
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n_processes}"]
    return run + [str(argument) for argument in arguments]


def torchrun(n_processes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(n_processes, *arguments), capture_output=True, timeout=400, **HERE)


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


@pytest.mark.slow
def test_whole_runs_in_double_precision_give_the_embedding_of_one_process(tmp_path: Path) -> None:
    datasets.synthetic(600, 200, 4, density=0.2).write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "double.toml").write_text("n_runs = 2\n[training]\ndouble_precision = true\n")
    found = []
    for n_processes in (1, 2):
        output = tmp_path / f"{n_processes}.h5ad"
        options = ["-o", output, "--n-clusters", 4, "--preset", tmp_path / "double.toml"]
        assert torchrun(n_processes, "-m", "scrcl_graph", "refine", tmp_path / "cells.h5ad", *options).returncode == 0
        found.append(anndata.read_h5ad(output))
    alone, shared = found
    assert abs(alone.obsm["X_scrcl"] - shared.obsm["X_scrcl"]).max() < 1e-5
    assert (alone.obs["scrcl"] == shared.obs["scrcl"]).all()


@pytest.mark.slow
def test_a_job_that_loses_a_process_ends_and_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    datasets.synthetic(600, 200, 4, density=0.2).write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "long.toml").write_text("n_runs = 2\n[training]\nepochs = 250\ntolerance = -1.0\n")

    def arguments(output: str, *more: str) -> list[object]:
        options = ["-o", tmp_path / output, "--n-clusters", 4, "--preset", tmp_path / "long.toml", *more]
        return ["-m", "scrcl_graph", "refine", tmp_path / "cells.h5ad", *options]

    kept = tmp_path / "kept"
    # torchrun ends the others when one is lost; it looks this seldom so that they find out, and say so, themselves
    whole = command(2, "--monitor-interval=10", *arguments("out.h5ad", "--checkpoint", str(kept)))
    job = subprocess.Popen(whole, stderr=subprocess.PIPE, **HERE)
    while not (kept / "run_0.safetensors").exists():
        assert job.poll() is None
        time.sleep(0.2)
    processes = subprocess.check_output(["pgrep", "-P", str(job.pid)], text=True).split()
    os.kill(int(processes[-1]), signal.SIGKILL)
    _, said = job.communicate(timeout=60)
    assert job.returncode != 0
    assert "scrcl-graph: another process of this job ended" in said
    assert {path.name for path in tmp_path.iterdir()} == {"cells.h5ad", "long.toml", "kept"}

    assert torchrun(2, *arguments("out.h5ad", "--checkpoint", str(kept))).returncode == 0
    assert torchrun(2, *arguments("unbroken.h5ad")).returncode == 0
    resumed, unbroken = (anndata.read_h5ad(tmp_path / name) for name in ("out.h5ad", "unbroken.h5ad"))
    assert resumed.obsm["X_scrcl"].tobytes() == unbroken.obsm["X_scrcl"].tobytes()
    assert (resumed.obs["scrcl"] == unbroken.obs["scrcl"]).all()
