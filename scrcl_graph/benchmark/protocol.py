"""The protocol: every method on every set with every seed, one process a run, results kept as they come."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scrcl_graph import metrics
from scrcl_graph._errors import InputError
from scrcl_graph._files import replacing
from scrcl_graph._version import versions
from scrcl_graph.benchmark import data, worker
from scrcl_graph.benchmark.methods import Method
from scrcl_graph.benchmark.methods._pca import principal_components

NOT_INSTALLED = "not installed"

KMode = Literal["given", "auto"]


@dataclass(frozen=True)
class Protocol:
    """What is measured and how.

    Attributes
    ----------
    label
        Column of obs with the truth.
    k
        ``"given"``: methods are told the number of classes; ``"auto"``: they are not.
    n_seeds
        Runs per method and set, with the seeds 0, 1, ...
    timeout
        Seconds after which a run is ended and recorded as such.
    peers_python
        The Python of the environment in which peers run, or None.
    """

    label: str = "cell_type"
    k: KMode = "given"
    n_seeds: int = 5
    timeout: float = 3600.0
    peers_python: Path | None = None


def run(
    protocol: Protocol, sets: Iterable[Path], methods: Sequence[Method], out: Path, *, say: Any = print
) -> pd.DataFrame:
    """Run what is not in ``out`` yet, and return the tidy table of all runs asked for.

    Writes one folder per run under ``out/runs`` (labels and result, the latter last), ``out/benchmark.json``
    (settings, versions, machine) and ``out/runs.csv``.

    Raises
    ------
    InputError
        If ``out`` holds results of another data file, method or setting.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for path in sets:
        labelled = data.load(path, protocol.label)
        if labelled is None:
            say(f"{path.stem}: no column '{protocol.label}' with two classes, left out")
            continue
        _register(out, protocol, labelled, methods)
        reference: NDArray[np.float32] | None = None
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            bare = Path(folder) / "data.h5ad"
            labelled.bare.write_h5ad(bare)
            for method in methods:
                for seed in range(protocol.n_seeds):
                    done = out / "runs" / labelled.name / method.name / f"k-{protocol.k}_seed-{seed}"
                    if not _is_done(done):
                        if reference is None:
                            reference = _coordinates(labelled)
                        _one(protocol, labelled, bare, method, seed, done, reference)
                    row = json.loads((done / "result.json").read_text())
                    rows.append(row)
                    say(_line(row))
        _write_csv(rows, out)
    if not rows:
        raise InputError(f"no set has a column '{protocol.label}' with at least two classes: choose another --label")
    return pd.DataFrame(rows)


def _is_done(done: Path) -> bool:
    """Whether there is a result; a peer that was not installed then is tried again."""
    result = done / "result.json"
    return result.exists() and json.loads(result.read_text())["status"] != NOT_INSTALLED


def execute(protocol: Protocol, bare: Path, n_clusters: int | None, method: Method, seed: int) -> dict[str, Any]:
    """Run one method in its own process: ``status``, ``error``, ``seconds``, ``gigabytes``, and ``labels`` if it is ok.

    The process knows the file without labels, the number of clusters (or None) and the seed. It starts in an empty
    folder, and no variable of the environment that names the data is passed on.
    """
    python = str(protocol.peers_python) if method.kind == "peer" else sys.executable
    if method.kind == "peer" and protocol.peers_python is None:
        return {"status": NOT_INSTALLED, "error": "peers need their own environment: make peers, then --peers-python"}
    with tempfile.TemporaryDirectory(prefix="run-") as folder:
        own = Path(folder)
        shutil.copy(bare, own / "data.h5ad")
        job = {
            "method": str(method.file),
            "options": dict(method.options),
            "data": str(own / "data.h5ad"),
            "n_clusters": n_clusters,
            "seed": seed,
            "labels": str(own / "labels.npy"),
            "result": str(own / "result.json"),
        }
        (own / "job.json").write_text(json.dumps(job))
        environment = {name: value for name, value in os.environ.items() if name != "SCRCL_GRAPH_DATA"}
        started = time.perf_counter()
        try:
            finished = subprocess.run(
                [python, "-P", str(Path(worker.__file__)), str(own / "job.json")],
                cwd=own,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=protocol.timeout,
            )
        except subprocess.TimeoutExpired:
            return {"status": "timeout", "error": f"ended after {protocol.timeout:.0f} s", "seconds": protocol.timeout}
        except OSError as err:
            return {"status": NOT_INSTALLED, "error": f"cannot start {python}: {err.strerror}"}
        if finished.returncode != 0:
            seconds = time.perf_counter() - started
            return {"status": _status(finished.returncode), "error": _last_line(finished.stderr), "seconds": seconds}
        result = json.loads((own / "result.json").read_text())
        return {"status": "ok", "error": "", "labels": np.load(own / "labels.npy"), **result}


def same_without_labels(protocol: Protocol, path: Path, method: Method, seed: int = 0) -> bool:
    """Whether a method gives the same labels, bit for bit, when the annotation is permuted and when it is deleted.

    The file is copied with its annotation changed, and the method is run on each copy by the same code that runs the
    benchmark, told the same number of clusters. False also where a run fails.
    """
    import anndata

    labelled = data.load(path, protocol.label)
    if labelled is None:
        raise InputError(f"{path} has no column '{protocol.label}' with two classes")
    k = labelled.n_classes if protocol.k == "given" else None
    found = []
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        for change in ("none", "permuted", "deleted"):
            copy = anndata.read_h5ad(path)
            values = copy.obs[protocol.label].to_numpy()
            if change == "permuted":
                copy.obs[protocol.label] = np.random.default_rng(seed).permutation(values)
            source = Path(folder) / "source.h5ad"
            copy.write_h5ad(source)
            changed = data.load(source, protocol.label)
            assert changed is not None
            bare = Path(folder) / "data.h5ad"
            changed.bare.write_h5ad(bare)
            if change == "deleted":
                del copy.obs[protocol.label]
                copy.write_h5ad(source)
            found.append(execute(protocol, bare, k, method, seed))
    first, *others = [result.get("labels") for result in found]
    return first is not None and all(other is not None and np.array_equal(first, other) for other in others)


def _one(
    protocol: Protocol,
    labelled: data.LabelledSet,
    bare: Path,
    method: Method,
    seed: int,
    done: Path,
    reference: NDArray[np.float32],
) -> None:
    k = labelled.n_classes
    found = execute(protocol, bare, k if protocol.k == "given" else None, method, seed)
    labels = found.pop("labels", None)
    row: dict[str, Any] = {
        "set": labelled.name,
        "method": method.name,
        "kind": method.kind,
        "k_mode": protocol.k,
        "seed": seed,
        "n_cells": len(labelled.truth),
        "k_true": k,
        **dict.fromkeys(("k_found", "seconds", "gigabytes", *metrics.SCORES, "silhouette", "purity"), np.nan),
        **found,
    }
    if labels is not None:
        truth, mine = labelled.truth[labelled.scored], labels[labelled.scored]
        row["k_found"] = len(np.unique(labels))
        row |= metrics.score(truth, mine)
        for name, (low, high) in metrics.intervals(truth, mine).items():
            row |= {f"{name}_low": low, f"{name}_high": high}
        row["silhouette"] = metrics.silhouette(reference, labels)
        row["purity"] = metrics.neighbourhood_purity(reference, labels)
    done.parent.mkdir(parents=True, exist_ok=True)
    with replacing(done, folder=True) as temporary:
        if labels is not None:
            np.save(temporary / "labels.npy", labels)
        (temporary / "result.json").write_text(json.dumps(row, indent=1))


def _register(out: Path, protocol: Protocol, labelled: data.LabelledSet, methods: Sequence[Method]) -> None:
    """Add what is run to ``benchmark.json``; refuse to mix results of two versions of a thing."""
    path = out / "benchmark.json"
    try:
        known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"sets": {}, "methods": {}}
    except ValueError as err:
        raise InputError(f"{path} is damaged: choose another folder for the results, or delete it") from err
    new: dict[str, dict[str, dict[str, Any]]] = {
        "sets": {labelled.name: {"sha256": labelled.sha256, "label": protocol.label}},
        "methods": {m.name: {"sha256": m.sha256, "kind": m.kind, "options": dict(m.options)} for m in methods},
    }
    for kind, entries in new.items():
        for name, entry in entries.items():
            before = known[kind].setdefault(name, entry)
            if before["sha256"] != entry["sha256"] or before.get("label") != entry.get("label"):
                raise InputError(
                    f"{out} holds results of another version of '{name}': choose another folder, or delete this one"
                )
    known["versions"] = versions()
    known["machine"] = {
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
    }
    known["protocol"] = {name: str(value) for name, value in asdict(protocol).items()}
    known["command"] = sys.argv
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(known, indent=1))


def _coordinates(labelled: data.LabelledSet) -> NDArray[np.float32]:
    """Where label-free scores are measured, the same for all methods: the principal components of the floors."""
    copy = labelled.bare.copy()
    principal_components(copy, 0)
    coordinates: NDArray[np.float32] = np.asarray(copy.obsm["X_pca"], dtype=np.float32)
    return coordinates


def _write_csv(rows: Sequence[dict[str, Any]], out: Path) -> None:
    with replacing(out / "runs.csv") as temporary:
        pd.DataFrame(rows).drop(columns="packages", errors="ignore").to_csv(temporary, index=False)


def _line(row: dict[str, Any]) -> str:
    what = f"{row['set']:20s} {row['method']:20s} seed {row['seed']}  "
    if row["status"] != "ok":
        return what + f"{row['status']}: {row['error']}"
    return what + f"ARI {row['ari']:.3f}  k {row['k_found']}  {row['seconds']:.0f} s  {row['gigabytes']:.1f} GB"


def _status(code: int) -> str:
    return f"killed ({signal.Signals(-code).name})" if code < 0 else "failed"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
