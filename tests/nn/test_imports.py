from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import scrcl_graph

HIDDEN = (
    "anndata",
    "igraph",
    "matplotlib",
    "networkx",
    "numba",
    "pandas",
    "pynndescent",
    "scanpy",
    "sklearn",
    "squidpy",
)
SCRIPT = f"""
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {HIDDEN} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
try:
    import pandas
except ModuleNotFoundError:
    print("hidden")
import scrcl_graph.nn
import scrcl_graph.objectives
print(scrcl_graph.nn.RefinementNetwork(4, 3).own_skip.weight.shape[1])
"""


def test_networks_and_objectives_need_only_torch_pyg_numpy_and_scipy() -> None:
    root = Path(scrcl_graph.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["hidden", "4"], done.stderr
