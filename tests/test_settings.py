from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import scrcl_graph


def test_squidpy_is_imported_without_the_warnings_about_its_docstrings() -> None:
    code = "from scrcl_graph._settings import quiet_squidpy; assert quiet_squidpy().__name__ == 'squidpy'"
    subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(scrcl_graph.__file__).parents[1])},
        check=True,
    )
