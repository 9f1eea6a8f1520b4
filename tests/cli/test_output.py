"""Output of the command line: complete files or none, safe terminal output, and ASCII on request."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import INCIDENT
from tests.support.program import Program
from tests.support.terminal import Terminal
from tracetui import atomic_file as atomic_files
from tracetui.atomic_file import atomic_file
from tracetui.cli import commands
from tracetui.cli.arguments import options_of
from tracetui.cli.output import print_message, print_warnings
from tracetui.model.errors import LoadWarning
from tracetui.render.text.clipboard import clipboard_text
from tracetui.render.text.safe_text import escaped_json

HOSTILE_NAMES = "a\r\x1b[2J\x7f\x9b31m\x9d0;x\x07\u202eb\u2066\u2028c\u00e9\u65e5\U0001f600\u200b"


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    """Write a file with control characters in its service, operation and message."""
    span = {
        "traceId": "0" * 31 + "1",
        "spanId": "0" * 15 + "1",
        "name": HOSTILE_NAMES,
        "kind": 2,
        "startTimeUnixNano": "1773999999000000000",
        "endTimeUnixNano": "1774000000000000000",
        "status": {"code": 2, "message": HOSTILE_NAMES},
    }
    named = [{"key": "service.name", "value": {"stringValue": HOSTILE_NAMES}}]
    document = {"resourceSpans": [{"resource": {"attributes": named}, "scopeSpans": [{"spans": [span]}]}]}
    path = tmp_path / "hostile.json"
    path.write_text(json.dumps(document))
    return str(path)


COMMANDS = [
    ("analyze",),
    ("analyze", "--json"),
    ("show",),
    ("graph", "services"),
    ("graph", "critical", "--json"),
    ("graph", "services", "--format", "dot"),
    ("graph", "services", "--format", "mermaid"),
]


def on_source(command: tuple[str, ...], source: str) -> list[str]:
    return [command[0], source, *command[1:]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_ascii_output_is_ascii_for_any_names(program: Program, hostile: str, command: tuple[str, ...]) -> None:
    result = program(*on_source(command, hostile), "--ascii")
    assert result.code == 0
    assert result.out.isascii()
    assert all(character.isprintable() or character == "\n" for character in result.out)
    if "--json" in command:
        assert json.loads(result.out) == json.loads(program(*on_source(command, hostile)).out)


ASCII_COMMANDS = [
    command.name for command in commands.COMMANDS if "--ascii" in options_of(command) and not command.is_screen
]


@pytest.mark.parametrize("command", ASCII_COMMANDS)
@pytest.mark.parametrize(
    "arguments", [["no-\u00e9\r"], ["http://\u00e9.invalid"], ["--query", "\u00e9 ="], ["--\u00e9"]]
)
def test_ascii_errors_are_ascii_for_any_names(
    program: Program, hostile: str, command: str, arguments: list[str]
) -> None:
    result = program(command, hostile, *arguments, "--ascii")
    assert result.code in (0, 2, 3, 4)
    assert result.err
    assert result.err.isascii()
    assert result.out.isascii()


def test_ascii_warnings_are_ascii(program: Program, tmp_path: Path, hostile: str) -> None:
    damaged = tmp_path / "\u00e9\u202e.json"
    damaged.write_text('{"traceId":')
    result = program("analyze", hostile, str(damaged), "--ascii")
    assert result.code == 0
    assert "warning: " in result.err
    assert result.err.isascii()


def test_ascii_ends_with_the_command(program: Program) -> None:
    assert program("analyze", "\u00e9", "--ascii").err.isascii()
    assert "\u00e9" in program("analyze", "\u00e9").err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_control_codes_reach_the_terminal(hostile: str, command: tuple[str, ...]) -> None:
    terminal = Terminal([sys.executable, "-m", "tracetui", *on_source(command, hostile)], environ={"NO_COLOR": "1"})
    assert terminal.end() == 0
    shown = terminal.seen.decode().replace("\r\n", "\n")
    for styles in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;2m", "\x1b[7m"):
        shown = shown.replace(styles, "")
    assert all(character.isprintable() or character == "\n" for character in shown)


def test_json_in_a_pipe_is_not_escaped(program: Program, hostile: str) -> None:
    assert "\u202e" in program("analyze", hostile, "--json").out


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_escaped_json_is_the_same_value(value: object) -> None:
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    for ascii_only in (False, True):
        escaped = escaped_json(data, ascii_only=ascii_only)
        assert json.loads(escaped) == json.loads(data)
        assert not ascii_only or escaped.isascii()
        assert all(character.isprintable() or character == "\n" for character in escaped.decode())


@given(st.text(), st.booleans())
def test_copied_text_has_no_control_characters(text: str, one_line: bool) -> None:
    copied = clipboard_text(text, one_line=one_line)
    copied.encode()
    assert clipboard_text(copied, one_line=one_line) == copied
    assert not any(ord(c) < 0x20 and c not in "\n\t" for c in copied)
    assert not any(0x7F <= ord(c) < 0xA0 for c in copied)
    assert not set(copied) & set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert not one_line or "\n" not in copied


@contextlib.contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Limit the size of files, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("command", [["--version"], ["--help"], ["samples"], ["show", INCIDENT]], ids=" ".join)
def test_full_standard_output_is_an_error(command: list[str]) -> None:
    program = [sys.executable, "-m", "tracetui", *command]
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, check=False)
    assert result.stderr == b"tracetui: cannot write to standard output: No space left on device\n"
    assert result.returncode == 2


@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n", "\x85", "\u2028", "\v", "\n\r"])
def test_no_text_forges_a_message(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_message(f"failed{ending}tracetui: all is well")
    print_warnings([LoadWarning("f", "", f"odd{ending}tracetui: warning: none")], verbose=False)
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("tracetui: ") for line in lines) == 2
    assert sum(line.startswith("tracetui: warning: f: odd") and "none" in line for line in lines) == 1


def test_exit_code_is_kept_if_stderr_is_full() -> None:
    program = [sys.executable, "-m", "tracetui", "analyze", "missing"]
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run(program, stdout=full, stderr=full, check=False).returncode == 3


@pytest.mark.parametrize("width", ["-5", "0", "1" + "0" * 30])
@pytest.mark.parametrize("command", ["analyze", "show"])
def test_any_width_is_accepted(program: Program, command: str, width: str) -> None:
    result = program(command, INCIDENT, "--width", width)
    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= 10_000


@pytest.mark.parametrize("number", ["1e305", "1e308", "1e999"])
@pytest.mark.parametrize("option", ["--latency-threshold", "--threshold"])
def test_infinite_numbers_are_bad_usage(program: Program, option: str, number: str) -> None:
    command = ["compare", INCIDENT, INCIDENT] if option == "--threshold" else ["analyze", INCIDENT]
    result = program(*command, option, number)
    assert result.code == 2
    assert result.err.startswith(f"tracetui: {option}: ")
    assert result.out == ""


WRITING = [("--output",), ("--json", "--output"), ("--save",)]


@pytest.mark.parametrize("options", WRITING, ids=" ".join)
def test_a_full_disk_leaves_the_old_file(program: Program, tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "old"
    path.write_text("old")
    with full_disk(1_000):
        result = program("analyze", INCIDENT, *options, str(path))
    assert result.code == 2
    assert str(path) in result.err
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["old"]


@pytest.mark.parametrize("options", WRITING, ids=" ".join)
def test_a_link_is_neither_followed_nor_replaced(program: Program, tmp_path: Path, options: tuple[str, ...]) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    result = program("analyze", INCIDENT, *options, str(link))
    assert result.code == 2
    assert "symbolic link" in result.err
    assert link.is_symlink()
    assert target.read_text() == "old"


def test_a_pipe_and_a_device_are_written_to_not_replaced(program: Program, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        assert program("analyze", INCIDENT, "--output", str(pipe)).code == 0
        assert reader.communicate()[0].decode() == program("analyze", INCIDENT).out
    assert pipe.is_fifo()
    assert program("analyze", INCIDENT, "--output", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("options", WRITING, ids=" ".join)
@pytest.mark.parametrize("link", [False, True])
def test_output_never_overwrites_a_source(
    program: Program, tmp_path: Path, options: tuple[str, ...], link: bool
) -> None:
    path, source = tmp_path / "traces.json", tmp_path / "source"
    path.write_bytes(before := Path(INCIDENT).read_bytes())
    source.symlink_to(path) if link else source.hardlink_to(path)
    result = program("analyze", str(source), *options, str(path))
    assert result.code == 2
    assert "it is one of the sources; choose another name" in result.err
    assert path.read_bytes() == before


@pytest.mark.parametrize("options", WRITING, ids=" ".join)
@pytest.mark.parametrize("source", ["folder", "folder/*.json", "folder/[t]races.json", "folder/inner/.."])
def test_output_never_overwrites_traces_in_a_directory_or_glob(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "folder/traces.json"
    (tmp_path / "folder/inner").mkdir(parents=True)
    path.write_bytes(before := Path(INCIDENT).read_bytes())
    result = program("analyze", source, *options, "folder/traces.json")
    assert "it is one of the sources; choose another name" in result.err
    assert result.code == 2
    assert path.read_bytes() == before


def test_report_in_a_directory_of_sources_can_be_renewed(program: Program, tmp_path: Path) -> None:
    (tmp_path / "traces.json").write_bytes(Path(INCIDENT).read_bytes())
    for _ in range(2):
        assert program("analyze", str(tmp_path), "--output", str(tmp_path / "report.txt")).code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("compare", "{}", INCIDENT),
        ("compare", INCIDENT, "{}"),
        ("contrast", "{}"),
        ("why", "{}"),
        ("why", INCIDENT, "--baseline", "{}"),
        ("why", INCIDENT, "--logs", "{}"),
        ("graph", "{}", "services"),
        ("alerts", "{}", "--service", "frontend"),
    ],
    ids=" ".join,
)
def test_no_command_overwrites_its_source(program: Program, tmp_path: Path, command: tuple[str, ...]) -> None:
    path = tmp_path / "traces.json"
    path.write_bytes(before := Path(INCIDENT).read_bytes())
    result = program(*(word.format(path) for word in command), "--output", str(path))
    assert "it is one of the sources; choose another name" in result.err
    assert result.code == 2
    assert path.read_bytes() == before


@pytest.mark.parametrize("command", ["analyze", "export"])
def test_pipe_without_reader_times_out(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(atomic_files, "NOTICE_SECONDS", 0.0)
    monkeypatch.setattr(atomic_files, "READER_SECONDS", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result = program(command, INCIDENT, "--output", str(pipe))
    assert result.code == 2
    assert result.err.count(f"waiting for a reader of the pipe {pipe}\n") == 1
    assert f"cannot write {pipe}: nothing reads from this pipe" in result.err


@pytest.mark.parametrize("options", WRITING, ids=" ".join)
@pytest.mark.parametrize("name", ["~nobody-has-this-name/x", "n" * 300, "no/such/folder"])
def test_a_name_that_cannot_be_written_is_an_error(program: Program, options: tuple[str, ...], name: str) -> None:
    result = program("analyze", INCIDENT, *options, name)
    assert result.code == 2
    assert f"cannot write {name}: " in result.err


def test_width_from_the_environment_is_limited(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(10**12))
    result = program("show", INCIDENT)
    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= 2_000


@pytest.mark.parametrize(("name", "why"), [("pipe", "not a regular file"), ("folder", "Is a directory")])
def test_save_replaces_only_plain_files(program: Program, tmp_path: Path, name: str, why: str) -> None:
    path = tmp_path / name
    os.mkfifo(path) if name == "pipe" else path.mkdir()
    result = program("analyze", INCIDENT, "--save", str(path))
    assert result.code == 2
    assert why in result.err
    assert not path.is_file()
    assert program("analyze", INCIDENT, "--save", "/dev/null").code == 2
    assert Path("/dev/null").is_char_device()


def test_temporary_file_names_are_unpredictable(tmp_path: Path) -> None:
    path = tmp_path / "new"
    names = set()
    for _ in range(3):
        with atomic_file(path) as file:
            (unfinished,) = (entry for entry in tmp_path.iterdir() if entry != path)
            names.add(unfinished.name)
            assert unfinished.stat().st_mode & 0o777 == 0o600
            file.write(b"whole")
        assert path.read_bytes() == b"whole"
    assert len(names) == 3


def test_failed_write_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "new"

    def failing() -> bytes:
        raise KeyError

    with pytest.raises(KeyError), atomic_file(path) as file:
        file.write(b"half" + failing())
    assert list(tmp_path.iterdir()) == []


def test_output_expands_home_and_keeps_the_mode_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    report = tmp_path / "report.txt"
    report.write_text("old")
    report.chmod(0o640)
    ended = subprocess.run(
        [sys.executable, "-m", "tracetui", "analyze", INCIDENT, "--output=~/report.txt"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    assert report.read_text() != "old"
    assert report.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.txt"]
