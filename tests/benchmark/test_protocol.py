from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from anndata import AnnData

from scrcl_graph import InputError
from scrcl_graph.benchmark import Method, Protocol, get_method, protocol, run_benchmark, same_without_labels

Write = Callable[[str, str], Method]


@pytest.fixture
def folder(planted: AnnData, tmp_path: Path) -> Path:
    """A folder with one set whose cells are sorted by label, as in many files."""
    data = tmp_path / "data"
    data.mkdir()
    planted[np.argsort(planted.obs["cell_type"].astype(str).to_numpy(), kind="stable")].write_h5ad(data / "set.h5ad")
    return data


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A method from the body of its ``run``."""

    def make(name: str, body: str) -> Method:
        file = tmp_path / f"{name}.py"
        file.write_text(
            "import glob, os, signal, tempfile, time\nimport anndata, numpy as np\n"
            f"def run(adata, n_clusters, seed):\n    {body}\n"
        )
        return get_method(str(file))

    return make


def run(folder: Path, method: Method, out: Path, **settings: object) -> dict:
    return run_benchmark(folder, [str(method.file)], out, Protocol(n_seeds=1, **settings), say=lambda _: None).iloc[0]


def test_a_run_is_scored_against_the_shuffled_truth(folder: Path, write: Write, tmp_path: Path) -> None:
    by_sum = "return np.asarray(adata.X.sum(axis=1)).ravel() > 0"
    row = run(folder, write("constant", by_sum), tmp_path / "out")
    assert (row["status"], row["ari"], row["k_true"], row["k_found"]) == ("ok", 0.0, 4, 1)
    floor = run_benchmark(folder, ["pca_kmeans"], tmp_path / "floor", Protocol(n_seeds=1), say=lambda _: None).iloc[0]
    assert floor["ari"] > 0.5
    assert floor["ari_low"] <= floor["ari"] <= floor["ari_high"]
    assert 0 < floor["gigabytes"] < 8


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("return adata.obs['cell_type'].cat.codes", "failed", "cell_type"),
        ("return [0, 1]", "failed", "240 cells went in"),
        ("raise RuntimeError('no luck')", "failed", "RuntimeError: no luck"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed (SIGKILL)", ""),
        ("time.sleep(60)", "timeout", "ended after 8 s"),
    ],
)
def test_a_run_that_ends_badly_is_a_result(
    folder: Path, write: Write, tmp_path: Path, body: str, status: str, said: str
) -> None:
    row = run(folder, write("bad", body), tmp_path / "out", timeout=8.0 if status == "timeout" else 60.0)
    assert row["status"] == status
    assert said in row["error"]
    tables = (tmp_path / "out" / "tables.md").read_text()
    assert "Runs without a result" in tables


CHEATS = {
    "by order": "return np.arange(adata.n_obs) * n_clusters // adata.n_obs",
    "by the environment": "a = anndata.read_h5ad(glob.glob(os.environ['SCRCL_GRAPH_DATA'] + '/*.h5ad')[0]); "
    "return a.obs['cell_type'].astype('category').cat.codes",
    "by the file": "a = anndata.read_h5ad(adata.uns['path']); return a.obs['cell_type'].astype('category').cat.codes",
}


@pytest.mark.parametrize("body", CHEATS.values(), ids=CHEATS)
def test_a_cheat_gains_nothing(
    folder: Path, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setenv("SCRCL_GRAPH_DATA", str(folder))
    row = run(folder, write("cheat", body), tmp_path / "out")
    assert row["status"] == "failed" or row["ari"] < 0.05


def test_the_audit_catches_a_method_that_found_the_labels(folder: Path, write: Write) -> None:
    path = folder / "set.h5ad"
    honest = "return np.asarray(adata.X.sum(axis=1)).ravel() > np.median(np.asarray(adata.X.sum(axis=1)))"
    spy = (
        "f = max(glob.glob(tempfile.gettempdir() + '/audit-*/source.h5ad'), key=os.path.getmtime); "
        "return np.unique(anndata.read_h5ad(f).obs['cell_type'].astype(str), return_inverse=True)[1]"
    )
    assert same_without_labels(Protocol(), path, write("honest", honest))
    assert not same_without_labels(Protocol(), path, write("spy", spy))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pca_kmeans", "scaled_pca_kmeans", "pca_leiden", "pca_leiden_res1"])
def test_labels_change_no_bit_of_a_floor(folder: Path, name: str) -> None:
    assert same_without_labels(Protocol(), folder / "set.h5ad", get_method(name))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "k"),
    [
        ("default", "given"),
        ("default", "auto"),
        ("paper", "given"),
        ("spatial", "given"),
        ("default-training", "given"),
    ],
)
def test_labels_change_no_bit_of_ours(folder: Path, name: str, k: str) -> None:
    assert same_without_labels(Protocol(k=k), folder / "set.h5ad", get_method(name))  # type: ignore[arg-type]


def test_a_benchmark_resumes_where_it_stopped(
    folder: Path, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, out = (
        write("random", "return np.random.default_rng(seed).integers(n_clusters, size=adata.n_obs)"),
        tmp_path / "out",
    )
    first = run(folder, method, out)
    monkeypatch.setattr(protocol, "execute", lambda *_: pytest.fail("ran again"))
    assert run(folder, method, out)["ari"] == first["ari"]


def test_results_of_two_versions_are_never_mixed(folder: Path, write: Write, tmp_path: Path, planted: AnnData) -> None:
    out = tmp_path / "out"
    run(folder, write("mine", "return [0] * adata.n_obs"), out)
    with pytest.raises(InputError, match="another version of 'mine'"):
        run(folder, write("mine", "return [1] * adata.n_obs"), out)
    write("mine", "return [0] * adata.n_obs")
    with pytest.raises(InputError, match="another version of 'set'"):
        run(folder, get_method(str(tmp_path / "mine.py")), out, label="domain")
    planted[:200].write_h5ad(folder / "set.h5ad")
    with pytest.raises(InputError, match="another version of 'set'"):
        run(folder, get_method(str(tmp_path / "mine.py")), out)


def test_the_number_of_clusters_is_told_or_not(folder: Path, write: Write, tmp_path: Path) -> None:
    method = write("told", "return np.arange(adata.n_obs) % (n_clusters or 7)")
    assert run(folder, method, tmp_path / "given")["k_found"] == 4
    assert run(folder, method, tmp_path / "auto", k="auto")["k_found"] == 7
    assert "Number of clusters" in (tmp_path / "auto" / "tables.md").read_text()
    refused = run_benchmark(folder, ["pca_kmeans"], tmp_path / "km", Protocol(n_seeds=1, k="auto"), say=lambda _: None)
    assert refused.iloc[0]["error"] == "ValueError: k-means needs the number of clusters"


def test_what_was_run_is_written_down(folder: Path, write: Write, tmp_path: Path) -> None:
    method = write("mine", "return [0] * adata.n_obs")
    run(folder, method, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert written["methods"]["mine"]["sha256"] == method.sha256
    assert written["versions"]["scrcl-graph"]
    assert written["machine"]["processors"] > 0
    assert written["protocol"]["k"] == "given"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "benchmark.json", "cost.png", "per_set.png", "ranks.png", "runs", "runs.csv", "tables.md",
    }  # fmt: skip


def test_a_peer_without_its_environment_is_said(folder: Path, tmp_path: Path) -> None:
    row = run_benchmark(folder, ["scvi+kmeans"], tmp_path / "out", Protocol(n_seeds=1), say=lambda _: None).iloc[0]
    assert row["status"] == "not installed"
    assert "--peers-python" in row["error"]
    there = Protocol(n_seeds=1, peers_python=Path(sys.executable))  # an environment, though without scVI
    again = run_benchmark(folder, ["scvi+kmeans"], tmp_path / "out", there, say=lambda _: None).iloc[0]
    assert "scvi" in again["error"]


def test_no_labelled_set_and_unknown_methods_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose another --label"):
        run_benchmark(folder, ["pca_kmeans"], tmp_path / "out", Protocol(label="no"), say=lambda _: None)
    with pytest.raises(InputError, match="unknown method 'no': choose from pca_kmeans, "):
        run_benchmark(folder, ["no"], tmp_path / "out")
    with pytest.raises(InputError, match="no file"):
        run_benchmark(folder, ["no.py"], tmp_path / "out")
