"""The app on a real terminal: quitting, resuming, signals, noise and pastes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tests.support.hostile import DAMAGED_STATE
from tests.support.paths import INCIDENT, ROOT
from tests.support.terminal import Terminal
from tracetui.tui.terminal.background import QUERY, BackgroundReported, report_of
from tracetui.tui.terminal.driver import MAX_CELLS, KeyReader, ResilientDriver, tolerant_file
from tracetui.tui.terminal.input import ANSWER_SECONDS, MAX_PASTED, MAX_TYPED, PASTE_ENDS, PASTE_SECONDS, TerminalInput

LEFT_ALTERNATE_SCREEN = b"\x1b[?1049l"
CURSOR_SHOWN = b"\x1b[?25h"


def started(tmp_path: Path, *arguments: str) -> Terminal:
    environ = {"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    return Terminal([sys.executable, "-m", "tracetui", *arguments], environ=environ)


@pytest.mark.parametrize("leave", [b"q", b"\x03", signal.SIGTERM, signal.SIGHUP], ids=str)
def test_quitting_restores_the_terminal_and_saves_the_location(tmp_path: Path, leave: bytes | int) -> None:
    terminal = started(tmp_path, INCIDENT)
    terminal.wait_for(b"100 traces", 300)
    terminal.press(b"\r")
    terminal.press(b"w")
    # an attribute of the slowest query, in the detail of the span that is saved
    terminal.wait_for(b"db.query.text", 300)
    if isinstance(leave, bytes):
        terminal.press(leave)
    else:
        terminal.signal(leave)
    assert terminal.end() == 0
    assert LEFT_ALTERNATE_SCREEN in terminal.seen
    assert terminal.seen.rindex(CURSOR_SHOWN) > terminal.seen.rindex(b"\x1b[?25l")
    assert b"Traceback" not in terminal.seen
    location = json.loads((tmp_path / "tracetui" / "resume.json").read_bytes())
    assert location["view"] == "waterfall"
    assert location["span_id"]
    again = started(tmp_path, "--resume")
    again.wait_for(b"database_query", 300)
    again.press(b"q")
    assert again.end() == 0
    assert json.loads((tmp_path / "tracetui" / "resume.json").read_bytes()) == location


@pytest.mark.parametrize("signals", [[signal.SIGCONT], [signal.SIGSTOP, signal.SIGCONT], [signal.SIGCONT] * 5], ids=str)
def test_program_continues_after_stop_signals(tmp_path: Path, signals: list[int]) -> None:
    terminal = started(tmp_path, INCIDENT)
    terminal.wait_for(b"100 traces", 300)
    for number in signals:
        terminal.signal(number)
    terminal.press(b"\r")
    terminal.wait_for(b"database_query", 300)
    terminal.press(b"q")
    assert terminal.end() == 0
    assert b"Traceback" not in terminal.seen


@pytest.mark.parametrize("key", [b"3", b"\r"])
def test_lost_terminal_ends_the_program(tmp_path: Path, key: bytes) -> None:
    terminal = started(tmp_path, INCIDENT)
    terminal.wait_for(b"100 traces", 300)
    assert terminal.vanish(key) == 0
    assert (tmp_path / "tracetui" / "resume.json").exists()


def test_output_to_a_lost_terminal_is_dropped() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        writer = WriterThread(tolerant_file(file))
        writer.start()
        for _ in range(2 * MAX_QUEUED_WRITES):
            writer._queue.put("x" * 10_000, timeout=300)
        writer.stop()
        assert not writer.is_alive()
        assert writer._queue.empty()
        # closing writes the rest of the buffer
        with contextlib.suppress(BrokenPipeError):
            file.close()


def test_internal_error_restores_the_terminal_and_hides_variables(tmp_path: Path) -> None:
    program = (
        "import sys; from tracetui.tui.app import TraceApp; from tracetui.cli.main import run\n"
        "def fails(app, secret='s3cret'): raise ValueError('cannot be\\x1b[2J')\n"
        f"TraceApp.action_next_theme = fails; sys.exit(run([{INCIDENT!r}]))"
    )
    environ = {"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    environ["TRACETUI_DEBUG"] = ""
    terminal = Terminal([sys.executable, "-c", program], environ=environ)
    terminal.wait_for(b"100 traces", 300)
    terminal.press(b"\r")
    terminal.wait_for(b"database_query", 300)
    terminal.press(b"T")
    assert terminal.end() == 1
    after = terminal.seen[terminal.seen.rindex(LEFT_ALTERNATE_SCREEN) :]
    assert "internal error: ValueError: cannot be␛[2J".encode() in after
    assert CURSOR_SHOWN in terminal.seen[terminal.seen.rindex(b"\x1b[?25l") :]
    assert b"s3cret" not in terminal.seen
    assert b"Traceback" not in terminal.seen
    assert json.loads((tmp_path / "tracetui" / "resume.json").read_bytes())["view"] == "waterfall"


def test_traces_from_stdin_and_keys_from_the_terminal(tmp_path: Path) -> None:
    command = f"cat {INCIDENT} | {sys.executable} -m tracetui -"
    terminal = Terminal(["sh", "-c", command], environ={"XDG_STATE_HOME": str(tmp_path)})
    terminal.wait_for(b"100 traces", 300)
    terminal.press(b"q")
    assert terminal.end() == 0


@pytest.mark.parametrize("stdin", ["/dev/null", INCIDENT])
def test_keys_come_from_the_terminal_if_stdin_is_a_file(tmp_path: Path, stdin: str) -> None:
    command = f"{sys.executable} -m tracetui {INCIDENT} < {stdin}"
    terminal = Terminal(["sh", "-c", command], environ={"XDG_STATE_HOME": str(tmp_path)})
    terminal.wait_for(b"100 traces", 300)
    terminal.press(b"q")
    assert terminal.end() == 0
    assert LEFT_ALTERNATE_SCREEN in terminal.seen


@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/null", "2>errors"])
def test_screen_is_painted_if_stderr_is_no_terminal(tmp_path: Path, stderr: str) -> None:
    command = f"cd {tmp_path}; {sys.executable} -m tracetui {INCIDENT} {stderr}"
    terminal = Terminal(["sh", "-c", command], environ={"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)})
    terminal.wait_for(b"100 traces", 300)
    terminal.press(b"q")
    assert terminal.end() == 0
    assert LEFT_ALTERNATE_SCREEN in terminal.seen
    if (tmp_path / "errors").exists():
        assert (tmp_path / "errors").read_bytes() == b""


def test_first_screen_is_no_larger_than_the_largest(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    terminal = Terminal([sys.executable, "-m", "tracetui", INCIDENT], columns=60_000, rows=30, environ=environ)
    terminal.wait_for(b"100 traces", 300)
    terminal.press(b"q")
    assert terminal.end() == 0
    assert max(int(column) for column in re.findall(rb"\x1b\[\d+;(\d+)H", terminal.seen)) <= MAX_CELLS
    assert max(map(len, terminal.seen.decode(errors="replace").split("\x1b["))) <= MAX_CELLS + 100


def test_demo_ends_with_commands_that_run(tmp_path: Path) -> None:
    terminal = started(tmp_path, "demo")
    terminal.wait_for(b"100 traces", 300)
    terminal.press(b"q")
    assert terminal.end() == 0
    _, _, after = terminal.seen.decode().partition("Open your own traces:")
    commands = [line.split("  ")[1] for line in after.splitlines() if line.startswith("  ")]
    assert [command.split()[-1] for command in commands][:2] == ["traces.json", "http://localhost:16686"]
    program = shlex.split(commands[0])[:-1]
    shown = subprocess.run([*program, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("tracetui ")


def test_dumb_terminal_gets_the_report() -> None:
    terminal = Terminal(["env", "TERM=dumb", sys.executable, "-m", "tracetui", INCIDENT])
    terminal.wait_for(b"Bottlenecks", 300)
    assert terminal.end() == 0
    assert b"\x1b[" not in terminal.seen


def characters(found: list[Message]) -> str:
    return "".join(event.character or "" for event in found if isinstance(event, events.Key))


@pytest.mark.parametrize("byte", range(0x80, 0x100))
def test_invalid_utf8_byte_loses_no_other_key(byte: int) -> None:
    reader = KeyReader()
    found = [*reader.feed(bytes([byte])), *reader.feed(b"xyzw"), *reader.feed(b"q")]
    assert characters(found).endswith("zwq")


@pytest.mark.parametrize(
    "noise",
    [
        b"\x1b[M \xf0@",  # X10 mouse report with a column beyond 95
        b"\x1b[M \xc3\xa9",  # one whose coordinates are a letter in UTF-8
        b"\x1b[M #q",  # one whose row is the letter q
        b"\x1b[48;0;0;0;0t",  # a terminal without size
        b"\x1b[48;9999999;9999999;1;1t",
        b"\x1b[48;5;5;0;0t\x1b[<0;3;3M",  # a size without pixels, then a click
        b"\x1b[<99999999999999999999999999;1;1M",
        b"\x1b[",
        b"\x1b[200~cut",  # a paste without end mark
        b"\x9b200~cut",
        b"\x1b]52;c;\x07",
        b"\x00",
    ],
)
def test_noise_is_not_read_as_keys(noise: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("tracetui.tui.terminal.driver.time.monotonic", lambda: now)
    monkeypatch.setattr("textual._parser.get_time", lambda: now)
    reader = KeyReader()
    found = reader.feed(noise)
    assert not [event for event in found if isinstance(event, events.Key) and event.key == "q"]
    now += PASTE_SECONDS + 1
    found = reader.idle()
    now += 1
    found += [*reader.idle(), *reader.feed(b"q")]
    assert characters(found).endswith("q")
    for event in found:
        assert not isinstance(event, events.Resize) or event.size.width > 0


ANSWERS = [
    (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", False),
    (b"\x1b]11;rgb:ff/f8/e0\x07", False),
    (b"\x1b]11;rgba:1e1e/1e1e/2e2e/ffff\x1b\\", True),
    (b"\x1b]11;rgb:0/0/0\x07", True),
    # blue is darker than its value
    (b"\x1b]11;rgb:0000/0000/ffff\x07", True),
]


@pytest.mark.parametrize(("answer", "is_dark"), ANSWERS)
def test_background_is_reported_in_any_pieces_and_keys_around_it_stay(answer: bytes, is_dark: bool) -> None:
    data = b"a" + answer + b"q"
    for first in range(1, len(data)):
        for second in range(first, len(data)):
            reader = KeyReader()
            reader.expect_answer()
            parts = data[:first], data[first:second], data[second:]
            found = [event for part in parts if part for event in reader.feed(part)]
            assert [event for event in found if not isinstance(event, events.Key)] == [BackgroundReported(is_dark)]
            assert characters(found) == "aq"


@pytest.mark.parametrize(("answer", "is_dark"), ANSWERS)
def test_background_is_reported_over_a_slow_line(answer: bytes, is_dark: bool) -> None:
    for first in range(1, len(answer)):
        decoder = TerminalInput()
        decoder.expect_answer(100.0)
        typed = [decoder.decode(answer[:first], 100.1), decoder.idle(100.3), decoder.idle(100.5)]
        typed.append(decoder.decode(answer[first:] + b"q", 100.6))
        # a pause after the first byte makes it a key; after one in the next four bytes the answer is not recognised
        if first == 1 or first >= len(b"\x1b]11;"):
            assert typed == ["", "\x1b" if first == 1 else "", "", "q"]
            assert list(map(report_of, decoder.take_commands())) == [BackgroundReported(is_dark)]


def test_background_is_reported_after_a_paste_and_before_a_mouse_report() -> None:
    answer = b"\x1b]11;rgb:0/0/0\x07"
    reader = KeyReader()
    reader.expect_answer()
    paste, report = reader.feed(b"\x1b[200~" + answer + b"\x1b[201~" + answer)
    assert isinstance(paste, events.Paste)
    assert "rgb:0/0/0" in paste.text
    assert report == BackgroundReported(True)
    assert reader.feed(b"\x1b[200~x") == []
    (paste, report) = reader.feed(b"y\x1b[201~" + answer)
    assert isinstance(paste, events.Paste)
    assert (paste.text, report) == ("xy", BackgroundReported(True))
    decoder = TerminalInput()
    assert decoder.decode(answer + b"\x1b[M", 100.0) == ""
    assert decoder.decode(b" !!q", 100.0) == "q"
    assert decoder.take_commands() == [b"11;rgb:0/0/0"]


def test_answer_is_expected_before_keys_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    expects: list[bool] = []

    def start(driver: ResilientDriver) -> None:
        expects.append(driver._expects_answer)

    monkeypatch.setattr(LinuxDriver, "start_application_mode", start)
    driver = object.__new__(ResilientDriver)
    driver._asks_background, driver.input_tty = True, True
    monkeypatch.setattr(ResilientDriver, "write", lambda *_: None)
    monkeypatch.setattr(ResilientDriver, "flush", lambda _: None)
    driver.start_application_mode()
    # once, not again after the program was stopped
    driver.start_application_mode()
    assert expects == [True, False]


@pytest.mark.parametrize(
    "answer",
    [
        b"\x1b]11;rgb:zz/00/00\x07",
        b"\x1b]11;rgb:12345/0/0\x07",
        b"\x1b]11;#ffffff\x07",
        b"\x1b]11;\x07",
        b"\x1b]10;rgb:ffff/ffff/ffff\x07",
        b"\x1b]52;c;cXFxcXE=\x07",
        b"\x1b]11;rgb:ffff/ffff/ffff" + b"q" * 5_000 + b"\x07",
        b"\x1b]11;qqqq\x1b[B",
    ],
    ids=lambda answer: repr(answer)[:24],
)
def test_hostile_answers_are_dropped(answer: bytes) -> None:
    for size in (1, 7, 4096):
        reader = KeyReader()
        reader.expect_answer()
        pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
        found = [event for piece in pieces for event in reader.feed(piece)]
        assert "q" not in characters(found)
        assert not [event for event in found if isinstance(event, BackgroundReported)]
        assert characters(reader.feed(b"q")) == "q"


def test_answer_without_end_is_dropped_after_a_pause() -> None:
    reader = KeyReader()
    found = [*reader.feed(b"\x1b]11;rgb:qqqq"), *reader.idle(), *reader.feed(b"x")]
    assert characters(found) == "x"


def test_answers_in_a_paste_are_text() -> None:
    reader = KeyReader()
    reader.expect_answer()
    (paste,) = reader.feed(b"\x1b[200~\x1b]11;rgb:ffff/ffff/ffff\x07\x1b[201~")
    assert isinstance(paste, events.Paste)
    assert "rgb:ffff" in paste.text


def test_lone_escape_waits_only_for_an_expected_answer() -> None:
    decoder = TerminalInput()
    assert decoder.decode(b"\x1b", 100.0) == "\x1b"
    decoder.expect_answer(100.0)
    assert decoder.decode(b"\x1b", 100.1) == ""
    assert decoder.idle(100.2) == "\x1b"
    assert decoder.decode(b"\x1b", 101.0 + ANSWER_SECONDS) == "\x1b"


@pytest.mark.parametrize(
    ("config", "is_asked"), [("", True), ('theme = "textual-dark"', False), ('theme = "nord"', False)]
)
def test_terminal_is_asked_for_its_background_unless_a_theme_is_chosen(
    tmp_path: Path, config: str, is_asked: bool
) -> None:
    (tmp_path / "tracetui").mkdir()
    (tmp_path / "tracetui" / "config.toml").write_text(config)
    terminal = started(tmp_path, INCIDENT)
    terminal.wait_for(b"100 traces", 300)
    assert (QUERY.encode() in terminal.seen) == is_asked
    # the background of the light theme
    light = b"48;2;224;224;224"
    assert light not in terminal.seen
    terminal.press(b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\")
    if is_asked:
        terminal.wait_for(light, 300)
    # no answer is typed
    terminal.press(b"q")
    assert terminal.end() == 0
    assert (light in terminal.seen) == is_asked


PASTED = [
    "\x1b" + "q" * 40,
    "\x1bq",
    "\x1b\x1b",
    "\x1b[<0;3;3M",
    "\x1b[48;10;10;10;10t",
    "\x1b[I",
    "\x1b[200~",
    "\x1b]0;t\x07",
    "\x1b[201",
    "\r",
    "q",
]


@given(st.lists(st.sampled_from(PASTED) | st.text("ab\x1b[20~", max_size=8), max_size=8), st.integers(6, 60))
def test_pasted_escapes_are_text(pieces: list[str], size: int) -> None:
    pasted = "".join(pieces)
    while PASTE_ENDS in pasted:
        pasted = pasted.replace(PASTE_ENDS, "")
    data = f"\x1b[200~{pasted}x{PASTE_ENDS}q".encode()
    reader = KeyReader()
    found = [event for at in range(0, len(data), size) for event in reader.feed(data[at : at + size])]
    paste, key = found
    assert isinstance(paste, events.Paste)
    assert paste.text == pasted.replace("\x1b", "␛") + "x"
    assert isinstance(key, events.Key)
    assert key.key == "q"


def test_partial_mouse_report_in_a_paste_is_text() -> None:
    reader = KeyReader()
    found = [*reader.feed(b"\x1b[200~a\x1b[M"), *reader.idle(), *reader.feed(b"\x1b[201~")]
    assert [event.text for event in found if isinstance(event, events.Paste)] == ["a␛[M"]
    assert len(found) == 1


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"\x1b[", b"\x1b[<0;1;1M", b"\x1b[200~"])), max_size=20)
)
def test_keys_work_after_any_bytes(pieces: list[bytes]) -> None:
    reader = KeyReader()
    for piece in pieces:
        reader.feed(piece)
    # Ctrl+C ends an open paste; an unfinished sequence consumes a limited number of keys
    reader.feed(b"\x03")
    found = reader.feed(b"q" * 40)
    assert characters(found).endswith("q")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1b")), st.data())
def test_text_is_decoded_in_any_pieces(text: str, data: st.DataObject) -> None:
    decoder = TerminalInput()
    sent, arrived = text.encode(), ""
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        arrived += decoder.decode(sent[:size], 0.0)
        sent = sent[size:]
    assert arrived == text


def test_paste_without_end_mark_ends_after_silence() -> None:
    decoder = TerminalInput()
    decoder.decode(b"\x1b[20", 0.0)
    decoder.decode(b"0~pasted", 0.0)
    assert decoder.idle(PASTE_SECONDS - 1) == ""
    assert decoder.decode(b" more", PASTE_SECONDS - 1) == " more"
    assert decoder.idle(PASTE_SECONDS + 1) == ""
    assert decoder.idle(2 * PASTE_SECONDS) == PASTE_ENDS
    assert decoder.idle(4 * PASTE_SECONDS) == ""
    decoder.decode(b"\x1b[200~pasted", 0.0)
    assert decoder.decode(b"\x03", 0.0) == PASTE_ENDS + "\x03"


def read_in_pieces(reader: KeyReader, data: bytes, size: int = 4095) -> list[Message]:
    found: list[Message] = []
    for at in range(0, len(data), size):
        found += reader.feed(data[at : at + size])
    return [*found, *reader.idle()]


@pytest.mark.parametrize("text", ["x" * 200_000, "a line\r" * 30_000, "é\x1b[31m word " * 20_000], ids=len)
def test_large_text_without_marks_is_one_paste(text: str) -> None:
    reader = KeyReader()
    found = read_in_pieces(reader, text.encode())
    (paste,) = [event for event in found if not isinstance(event, events.Key)]
    assert isinstance(paste, events.Paste)
    assert paste.text == text.replace("\x1b[31m", "")
    assert len(found) == 1
    assert characters(reader.feed(b"q")) == "q"


def test_paste_without_marks_ends_with_a_key() -> None:
    reader = KeyReader()
    found = [*reader.feed(b"x" * MAX_TYPED), *reader.feed(b"\x1b[A")]
    assert [type(event) for event in found] == [events.Paste, events.Key]
    found = [*reader.feed(b"x" * MAX_TYPED), *reader.feed(b"\x03")]
    assert [type(event) for event in found] == [events.Paste, events.Key]


def test_many_keys_and_reports_are_not_a_paste() -> None:
    reader = KeyReader()
    found = reader.feed(b"\x1b[<35;10;10M\x1b[B" * 500 + b"j" * (MAX_TYPED - 1))
    assert not [event for event in found if isinstance(event, events.Paste)]
    assert len([event for event in found if isinstance(event, events.Key)]) == 500 + MAX_TYPED - 1


@pytest.mark.parametrize("size", [1, 5, 4095, 100_000])
@pytest.mark.parametrize("begins", [b"", b"\x1b[200~"])
def test_paste_is_limited(begins: bytes, size: int) -> None:
    reader = KeyReader()
    ends = b"\x1b[201~" if begins else b""
    found = reader.feed(begins + b"x" * (MAX_PASTED - 10))
    found += read_in_pieces(reader, b"y" * 1_000 + ends, size)
    (paste,) = found
    assert isinstance(paste, events.Paste)
    assert paste.text.startswith("x" * (MAX_PASTED - 10) + "y")
    assert len(paste.text) <= MAX_PASTED + 4_096
    assert characters(reader.feed(b"q")) == "q"


@pytest.mark.parametrize("noise", [b"\xe9j", b"\x1b[M \xf0@", b"\x9b", b"\x1b[48;0;0;0;0t\x1b[<0;3;3M"], ids=repr)
def test_screen_survives_noise(tmp_path: Path, noise: bytes) -> None:
    terminal = started(tmp_path, INCIDENT)
    terminal.wait_for(b"100 traces", 300)
    terminal.press(noise)
    terminal.press(b"\r")
    terminal.wait_for(b"database_query", 300)
    terminal.press(b"q")
    assert terminal.end() == 0
    assert b"Traceback" not in terminal.seen


@pytest.mark.parametrize("size", [(0xFFFF, 0xFFFF), (0xFFFF, 1), (1, 0xFFFF), (1, 1), (0, 0)])
def test_screen_survives_extreme_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    # Textual would use these variables as the size
    program = ["env", "-u", "COLUMNS", "-u", "LINES", sys.executable, "-m", "tracetui", INCIDENT]
    folders = dict.fromkeys(("XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME"), str(tmp_path))
    terminal = Terminal(program, environ=folders)
    terminal.wait_for(b"100 traces", 300)
    terminal.resize(*size)
    terminal.press(b"j")
    terminal.resize(100, 30)
    terminal.press(b"\r")
    terminal.wait_for(b"database_query", 300)
    terminal.press(b"q")
    assert terminal.end() == 0
    assert b"Traceback" not in terminal.seen


@pytest.mark.parametrize("content", DAMAGED_STATE, ids=lambda content: repr(content[:12]))
def test_screen_opens_with_damaged_state_files(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "tracetui"
    folder.mkdir()
    for name in ("queries.json", "resume.json"):
        (folder / name).write_bytes(content)
    terminal = started(tmp_path, INCIDENT, "--resume")
    terminal.wait_for(b"queries.json was damaged", 300)
    terminal.press(b"q")
    assert terminal.end() == 0
    for name in ("queries.json", "resume.json"):
        assert (folder / f"{name}.damaged").read_bytes() == content
    assert json.loads((folder / "resume.json").read_bytes())["sources"] == [INCIDENT]
