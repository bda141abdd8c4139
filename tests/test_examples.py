from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.name)
def test_examples_run(script: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_room_named_in_the_readme_exists() -> None:
    table = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")]
    rooms = [name for line in table for name in line.split("|")[1].replace("`", "").replace(",", " ").split()]
    assert rooms
    for room in rooms:
        assert (ROOT / "scrcl_graph" / room).is_dir() or (ROOT / "scrcl_graph" / f"{room}.py").is_file(), room
