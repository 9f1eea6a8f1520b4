"""Run the program in this process, with its own home directory."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tracetui.cli.main import run


@dataclass
class ProgramResult:
    code: int
    out: str
    err: str


@dataclass
class Program:
    """The program; waits are recorded in `slept` and skipped."""

    home: Path
    capsys: pytest.CaptureFixture[str]
    slept: list[float] = field(default_factory=list)

    def __call__(self, *args: str) -> ProgramResult:
        code = run(args)
        printed = self.capsys.readouterr()
        assert "Traceback" not in printed.err
        assert "internal error" not in printed.err
        return ProgramResult(code, printed.out, printed.err)

    def analyze(self, *args: str) -> ProgramResult:
        return self("analyze", *args, "--json")

    def profile(self, url: str, **more: str | bool | int) -> str:
        """Write a profile for this address. -> its name"""
        lines = [f"{key.replace('_', '-')} = {json.dumps(value)}" for key, value in {"url": url, **more}.items()]
        file = self.home / "config" / "tracetui" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(["[profiles.prod]", *lines]))
        return "prod"


def imported_modules(code: str) -> set[str]:
    """List the top-level modules that are loaded after some code has run in a fresh process."""
    script = f"{code}\nimport sys\nprint('MODULES', *sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.splitlines()[-1].split()[1:])


def code_of_command(*args: str) -> str:
    """Return code that runs a command, for `imported_modules`."""
    return f"from tracetui.cli.main import run\nassert run({list(args)!r}) == 0"
