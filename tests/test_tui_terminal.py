"""The app on a real terminal: how it leaves, and that it comes back."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from tests.terminal import Terminal
from tracetui.tui.lasting_driver import forgiving

INCIDENT = str(Path(__file__).parents[1] / "sample_traces" / "incident" / "before.json")
LEFT_ALTERNATE_SCREEN = b"\x1b[?1049l"
CURSOR_SHOWN = b"\x1b[?25h"


def started(tmp_path: Path, *arguments: str) -> Terminal:
    environ = {"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    return Terminal([sys.executable, "-m", "tracetui", *arguments], environ=environ)


@pytest.mark.parametrize("leave", [b"q", b"\x03", signal.SIGTERM, signal.SIGHUP], ids=str)
def test_leaving_and_coming_back(tmp_path: Path, leave: bytes | int) -> None:
    terminal = started(tmp_path, INCIDENT)
    terminal.wait_for(b"100 traces", 60)
    terminal.press(b"\r")
    terminal.press(b"w")
    if isinstance(leave, bytes):
        terminal.press(leave)
    else:
        terminal.signal(leave)
    assert terminal.end() == 0
    assert LEFT_ALTERNATE_SCREEN in terminal.seen
    assert terminal.seen.rindex(CURSOR_SHOWN) > terminal.seen.rindex(b"\x1b[?25l")
    assert b"Traceback" not in terminal.seen
    where = json.loads((tmp_path / "tracetui" / "resume.json").read_bytes())
    assert where["view"] == "waterfall"
    assert where["span_id"]
    again = started(tmp_path, "--resume")
    again.wait_for(b"database_query", 60)
    again.press(b"q")
    assert again.end() == 0
    assert json.loads((tmp_path / "tracetui" / "resume.json").read_bytes()) == where


@pytest.mark.parametrize("key", [b"3", b"\r"])
def test_a_terminal_that_goes_away_ends_the_program(tmp_path: Path, key: bytes) -> None:
    terminal = started(tmp_path, INCIDENT)
    terminal.wait_for(b"100 traces", 60)
    assert terminal.vanish(key) == 0
    assert (tmp_path / "tracetui" / "resume.json").exists()


def test_what_is_written_to_a_terminal_that_is_gone_is_dropped() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        writer = WriterThread(forgiving(file))
        writer.start()
        for _ in range(2 * MAX_QUEUED_WRITES):
            writer._queue.put("x" * 10_000, timeout=20)
        writer.stop()
        # what is left in its buffer would be written once more
        with contextlib.suppress(BrokenPipeError):
            file.close()


def test_an_error_of_the_program_leaves_a_sane_terminal(tmp_path: Path) -> None:
    program = (
        "import sys; from tracetui.tui.app import TraceApp; from tracetui.cli.main import run\n"
        "def fails(app, secret='s3cret'): raise ValueError('cannot be\\x1b[2J')\n"
        f"TraceApp.action_next_theme = fails; sys.exit(run([{INCIDENT!r}]))"
    )
    environ = {"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    terminal = Terminal([sys.executable, "-c", program], environ=environ)
    terminal.wait_for(b"100 traces", 60)
    terminal.press(b"\r")
    terminal.press(b"T")
    assert terminal.end() == 1
    after = terminal.seen[terminal.seen.rindex(LEFT_ALTERNATE_SCREEN) :]
    assert "internal error: ValueError: cannot be␛[2J".encode() in after
    assert CURSOR_SHOWN in terminal.seen[terminal.seen.rindex(b"\x1b[?25l") :]
    assert b"s3cret" not in terminal.seen
    assert b"Traceback" not in terminal.seen
    assert json.loads((tmp_path / "tracetui" / "resume.json").read_bytes())["view"] == "waterfall"


def test_standard_input_is_read_and_keys_come_from_the_terminal(tmp_path: Path) -> None:
    command = f"cat {INCIDENT} | {sys.executable} -m tracetui -"
    terminal = Terminal(["sh", "-c", command], environ={"XDG_STATE_HOME": str(tmp_path)})
    terminal.wait_for(b"100 traces", 60)
    terminal.press(b"q")
    assert terminal.end() == 0


def test_a_dumb_terminal_gets_the_report() -> None:
    terminal = Terminal(["env", "TERM=dumb", sys.executable, "-m", "tracetui", INCIDENT])
    terminal.wait_for(b"Bottlenecks", 60)
    assert terminal.end() == 0
    assert b"\x1b[" not in terminal.seen
