"""One method on one file without labels, in a process of its own: ``python -P worker.py JOB.json``.

Nothing of scrcl_graph is imported here, so that a peer runs this file with the Python of its own environment.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
import warnings
from importlib import metadata
from pathlib import Path


def main(job_path: str) -> None:
    """Run the job; write the labels (``.npy``) and then the result (JSON). A failure is left to end the process."""
    import anndata
    import numpy as np

    warnings.simplefilter("ignore")
    job = json.loads(Path(job_path).read_text())
    spec = importlib.util.spec_from_file_location("method", job["method"])
    if spec is None or spec.loader is None:
        raise ImportError(f"{job['method']} is not a Python file")
    method = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(method)
    adata = anndata.read_h5ad(job["data"])
    n_cells = adata.n_obs
    started = time.perf_counter()
    labels = method.run(adata, job["n_clusters"], job["seed"], **job["options"])
    seconds = time.perf_counter() - started
    labels = np.unique(np.asarray(labels), return_inverse=True)[1]
    if labels.shape != (n_cells,):
        raise ValueError(f"{n_cells} cells went in, labels of shape {labels.shape} came out")
    np.save(job["labels"], labels)
    packages = {name: metadata.version(name) for name in getattr(method, "PACKAGES", ())}
    result = {"seconds": seconds, "gigabytes": peak_gigabytes(), "packages": packages}
    Path(job["result"]).write_text(json.dumps(result))


def peak_gigabytes() -> float:
    """Peak resident memory of this process, everything included; NaN where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


if __name__ == "__main__":
    main(sys.argv[1])
