"""Commands that the program prints and copies run as they are."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from tests.support.paths import SAMPLES
from tests.support.program import Program
from tracetui.ingest.loader import load
from tracetui.session import Session
from tracetui.tui.state import Look
from tracetui.tui.widgets.copy_menu import CopySource

NAMES = ["after.json", "-after.json", "--trace", "a'b c.json"]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Copy traces to a file with this name in the current directory."""
    shutil.copy(SAMPLES / "incident" / "after.json", tmp_path / request.param)
    monkeypatch.chdir(tmp_path)
    return str(request.param)


def assert_runs(program: Program, command: str) -> None:
    first, *words = shlex.split(command)
    assert first == "tracetui"
    result = program(*words)
    assert (result.code, result.err) == (0, "")


def test_copied_command_runs(program: Program, name: str) -> None:
    traces = load([f"./{name}"])
    source = CopySource(traces, Session(traces).trace_json, Look(), sources=[name])
    assert_runs(program, source.links(traces.trace_ids[0]).command)


def test_commands_of_alerts_run(program: Program, name: str) -> None:
    rules = yaml.safe_load(program("alerts", "--service", "api-gateway", "--", name).out)["groups"][0]["rules"]
    assert rules
    for rule in rules:
        assert_runs(program, rule["annotations"]["command"])


def test_commands_of_causes_run(program: Program, name: str) -> None:
    report = program("why", "--baseline", str(SAMPLES / "incident" / "before.json"), "--", name).out
    commands = re.findall("tracetui show .*", report)
    assert commands
    for command in commands:
        assert_runs(program, command)
