"""The program run in this process, in a home of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tracetui.cli.main import run


@dataclass
class Said:
    code: int
    out: str
    err: str


@dataclass
class Program:
    """The program; waits are noted in `slept`, not slept."""

    home: Path
    capsys: pytest.CaptureFixture[str]
    slept: list[float] = field(default_factory=list)

    def __call__(self, *args: str) -> Said:
        code = run(args)
        printed = self.capsys.readouterr()
        assert "Traceback" not in printed.err
        assert "internal error" not in printed.err
        return Said(code, printed.out, printed.err)

    def analyze(self, *args: str) -> Said:
        return self("analyze", *args, "--json")

    def profile(self, url: str, **more: str | bool | int) -> str:
        """The name of a profile for this address."""
        lines = [f"{key.replace('_', '-')} = {json.dumps(value)}" for key, value in {"url": url, **more}.items()]
        file = self.home / "config" / "tracetui" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(["[profiles.prod]", *lines]))
        return "prod"
