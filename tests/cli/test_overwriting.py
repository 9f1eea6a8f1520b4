"""Files that a command reads are never overwritten by its output."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import INCIDENT
from tests.support.program import Program
from tracetui.atomic_file import atomic_file
from tracetui.cli.arguments import options_of
from tracetui.cli.commands import COMMANDS as COMMANDS_OF_PROGRAM
from tracetui.cli.overwriting import FILES, SOURCES, WRITTEN
from tracetui.cli.parser import build_command

COMMANDS = {
    "analyze": ["analyze", "{}"],
    "compare": ["compare", "{}", INCIDENT],
    "contrast": ["contrast", "{}"],
    "why": ["why", "{}"],
    "graph": ["graph", "{}", "services"],
    "alerts": ["alerts", "{}", "--service", "frontend"],
    "export": ["export", "{}"],
    "server": ["server", "http://127.0.0.1:9"],
    "config": ["config", "show"],
}
"""A call of each command that writes a file, with {} for the source."""


def test_every_command_that_writes_is_tested() -> None:
    writing = [command.name for command in COMMANDS_OF_PROGRAM if "--output" in options_of(command)]
    assert sorted(writing) == sorted(COMMANDS)


def test_every_parameter_that_names_a_file_is_protected() -> None:
    known = {*SOURCES, *FILES, *WRITTEN}
    for command in COMMANDS_OF_PROGRAM:
        for param in build_command(command).params:
            if any(word in (param.metavar or "") for word in ("FILE", "SOURCE", "BEFORE")):
                assert param.name in known, command.name


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("server", "config")])
@pytest.mark.parametrize("source", ["traces.json", "folder", "folder/*.json"])
def test_no_command_overwrites_a_source(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    path = tmp_path / ("traces.json" if source == "traces.json" else "folder/traces.json")
    path.write_bytes(before := Path(INCIDENT).read_bytes())
    result = program(*(word.format(source) for word in COMMANDS[command]), "-o", str(path))
    assert "it is one of the sources; choose another name" in result.err
    assert result.code == 2
    assert path.read_bytes() == before


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_overwrites_the_config_file(program: Program, command: str) -> None:
    program.profile("http://127.0.0.1:9")
    path = program.home / "config" / "tracetui" / "config.toml"
    before = path.read_bytes()
    result = program(*(word.format(INCIDENT) for word in COMMANDS[command]), "-o", str(path))
    assert "it is the config file; choose another name" in result.err
    assert result.code == 2
    assert path.read_bytes() == before


@pytest.mark.parametrize("option", ["--ca", "--cert", "--key"])
def test_no_command_overwrites_a_certificate_or_key(program: Program, tmp_path: Path, option: str) -> None:
    path = tmp_path / "file.pem"
    path.write_text("old")
    result = program("analyze", INCIDENT, option, str(path), "--save", str(path))
    assert "it is a certificate or key in use" in result.err
    assert result.code == 2
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    "options", [("analyze", "--output"), ("analyze", "--save"), ("export", "--output")], ids=" ".join
)
def test_a_read_only_file_is_not_replaced(program: Program, tmp_path: Path, options: tuple[str, str]) -> None:
    path = tmp_path / "old"
    path.write_text("old")
    path.chmod(0o444)
    command, option = options
    result = program(command, INCIDENT, option, str(path))
    assert result.code == 2
    assert f"cannot write {path}: it is read-only" in result.err
    assert path.read_text() == "old"
    assert path.stat().st_mode & 0o777 == 0o444


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new"

    def appear() -> bytes:
        path.write_text("early")
        return b"late"

    with pytest.raises(FileExistsError), atomic_file(path, replace=False) as file:
        file.write(appear())
    assert path.read_text() == "early"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_dash_is_standard_output(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [word.format(INCIDENT) for word in COMMANDS[command]]
    expected = program(*words)
    result = program(*words, "--output", "-")
    assert (result.code, result.out) == (expected.code, expected.out)
    assert list(tmp_path.glob("-")) == []


def test_a_file_named_dash_can_be_written(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert program("analyze", INCIDENT, "-o", "./-").code == 0
    assert (tmp_path / "-").read_text() == program("analyze", INCIDENT).out


def test_traces_and_report_cannot_both_go_to_standard_output(program: Program) -> None:
    result = program("analyze", INCIDENT, "--save", "-")
    assert result.code == 2
    assert "--save -: " in result.err
    assert result.out == ""


@pytest.mark.parametrize("name", ["~root.json", "~nobody-has-this-name.json", "~.json"])
def test_only_the_beginning_of_a_typed_name_is_expanded(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(tmp_path, name).write_bytes(Path(INCIDENT).read_bytes())
    assert program("analyze", f"./{name}", "--output", "./~root.txt", "--save", "./~root").code == 0
    assert program("analyze", name).code == 0
    assert program("analyze", ".").code == 0
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(["~root", "~root.txt", name])
