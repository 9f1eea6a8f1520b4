"""The README shows the current output of the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tracetui.cli.main import run
from tracetui.export.registry import EXPORTERS
from tracetui.query import parse

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
WIDTH = "84"
SHOWN = re.findall(r"^    \$ tracetui (.+)\n((?:    .*\n|\n)+?)(?=\n\S)", README, re.MULTILINE)


def test_readme_shows_three_commands_with_output() -> None:
    assert [command.split()[0] for command, _ in SHOWN] == ["analyze", "show", "contrast"]


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_output(command: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "sample_traces")
    assert run([*shlex.split(command), "--width", WIDTH]) == 0
    shown = "\n".join(line.removeprefix("    ") for line in output.rstrip("\n").split("\n"))
    assert capsys.readouterr().out.rstrip("\n") == shown


def test_filters_of_the_readme_match_traces(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT / "sample_traces")
    commands = re.findall(r"^    tracetui (analyze incident\S* --(?!json|width).+?)$", README, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        assert run(shlex.split(command)) == 0
        assert " traces  " in capsys.readouterr().out.splitlines()[0]


def test_queries_of_the_readme_parse(capsys: pytest.CaptureFixture[Any]) -> None:
    examples = README[README.index("`--query` selects") : README.index("### Formats")]
    lines = [line.strip().split("   ")[0] for line in examples.splitlines() if line.startswith("    ")]
    assert len(lines) >= 4
    for line in lines:
        parse(line)


def test_exports_of_the_readme_can_be_opened(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands = re.findall(r"^    tracetui (export .+?)( > \S+)?$", README, re.MULTILINE)
    assert len(commands) == 2
    (tmp_path / "incident").symlink_to(ROOT / "sample_traces" / "incident")
    monkeypatch.chdir(tmp_path)
    for command, target in commands:
        assert run(shlex.split(command)) == 0
        if target:
            Path(target.removeprefix(" > ")).write_bytes(capfdbinary.readouterr().out)
    written = [path.name for path in tmp_path.iterdir() if path.is_file()]
    assert len(written) == 2
    for name in written:
        assert run(["analyze", name]) == 0


def test_readme_lists_every_export_format() -> None:
    rows = re.findall(r"^\| `([\w-]+)`: .+? \| `(.+?)` \| (.*?) ?\|$", README, re.MULTILINE)
    assert [(name, tuple(suffixes.split())) for name, suffixes, _ in rows] == [
        (exporter.name, exporter.suffixes) for exporter in EXPORTERS
    ]
    assert [losses for _, _, losses in rows if losses != "the same"] == [one.losses for one in EXPORTERS[:-1]]
