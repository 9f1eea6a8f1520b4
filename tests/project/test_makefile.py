"""The Makefile announces actions that take long."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

_PYTHON = """#!/bin/sh
# creates a virtual environment whose programs do nothing
[ "$1" = -c ] && exit 0
mkdir -p "$3/bin" && touch "$3/pyvenv.cfg"
for program in pip python; do printf '#!/bin/sh\\n' > "$3/bin/$program"; done
printf '#!/bin/sh\\necho "tracetui $*"\\n' > "$3/bin/tracetui"
chmod +x "$3"/bin/*
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_only_the_first_run_announces_the_installation(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(_PYTHON)
    python.chmod(0o755)
    command = ["make", "-C", str(ROOT), "--no-print-directory", "run", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"]
    # not those of the make that runs the tests
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    first, second = (
        subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout for _ in range(2)
    )
    assert "about a minute" in first.splitlines()[0]
    assert first.splitlines()[-1] == "tracetui demo"
    assert second == "tracetui demo\n"
