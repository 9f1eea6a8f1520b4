"""`python -m tests.fuzz.screen`: random events on the screen in a pseudo-terminal, over hostile sample files.

Keys, raw bytes that are not UTF-8, mouse reports of every kind, pastes, cut sequences and sizes from 1x1 to 500x200.
The program must survive, respond afterwards, write nothing from the data that a terminal interprets, and exit with 0.
Prints the events of a failed run, so that it can be repeated; exit code 1 after a failure.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import random
import re
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.hostile import FILE_NAME, write_traces
from tests.support.paths import SAMPLES
from tests.support.terminal import Terminal
from tracetui.tui.keys.view_key_tables import VIEW_KEYS
from tracetui.tui.terminal.background import QUERY

_KEYS = [bytes([code]) for code in range(0x20, 0x7F)]
_NAMED = [b"\r", b"\t", b"\x7f", b"\x1b", b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[5~", b"\x1b[6~", b"\x1b[H"]
_NAMED += [b"\x1b[F", b"\x1bOP", b"\x1b[Z", b"\x1b[1;5C", b"\x10", b"\x0c", b"\x15", b"\x04"]
_LEAVES = {b"q", b"\x03"}
_PASTED = [
    "\x1b]0;t\x07",
    "\x9b31m",
    "status = error",
    "\u202e",
    "x" * 5_000,
    "\n\n",
    "[/bold]",
    "(" * 500,
    "\0",
    "注文",
]
_CUT = [
    b"\x1b[",
    b"\x1b[<0;1",
    b"\x1b[200~",
    b"\x1b]52;c;",
    b"\x1bP",
    b"\x1b[M",
    b"\xe2\x80",
    b"\xf0\x9f",
    b"\x1b[?1;2",
]
_CUT += [b"\x1b[48;0;0;0;0t", b"\x1b[<99999999999999999999;1;1M", b"\x1b[M \xf0@", b"\x1b[?2026;2$y", b"\x1b[I\x1b[O"]
_CUT += [b"\x1b]11;rgb:", b"\x1b]11;rgb:0/0/0\x07", b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", b"\x1b]11;"]
_SIZES = [(1, 1), (2, 1), (1, 50), (500, 200), (500, 1), (20, 5), (40, 10), (80, 24), (140, 40), (200, 60)]
_PASTE_ENDS = b"\x1b[201~"
_ANSWERS = 300.0
"""Seconds within which a working program responds on any machine."""
_SECONDS_PER_EVENT = 0.1

# sequences of Textual and this program: styles, the cursor, moved lines, modes, the pointer shape, and the clipboard
_OWN = re.compile(
    rb"\x1b\[[0-9;:]*m|\x1b\[[0-9;]*[HABCDJKGduLMP@r]|\x1b\[[<>=?][0-9;]*[hlcuqn]|\x1b\[\?[0-9;]*\$p|\x1b\[[0-9;]* q"
    rb"|\x1b\]22;[a-z-]*\x07|\x1b\[[0-9;]*[nt]|\x1b\]52;c;[A-Za-z0-9+/=]*(?:\x07|\x1b\\)|\x1b[78=>]|\x1b\(B|\r|\n"
)
_CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class FailedError(AssertionError):
    """Unmet requirement on the screen."""


def hostile_sources(folder: Path) -> list[str]:
    """Return the hostile and the broken sample traces, and files in which every name is hostile."""
    made = folder / FILE_NAME
    write_traces(made)
    return [str(made), str(SAMPLES / "hostile"), str(SAMPLES / "broken"), str(SAMPLES / "async")]


def event(rng: random.Random) -> bytes | tuple[int, int]:
    """Choose bytes to send, or a size in columns and rows."""
    match rng.randrange(20):
        case 0 | 1 | 2 | 3 | 4 | 5 | 6:
            return _other_than_leaving(rng.choice(_KEYS))
        case 7 | 8 | 9 | 10 | 11:
            return rng.choice(_NAMED)
        case 12 | 13:
            return b"%d" % rng.randint(1, len(VIEW_KEYS))
        case 14:
            return bytes(rng.randrange(0x80, 0x100) for _ in range(rng.choice((1, 1, 2, 5))))
        case 15 | 16:
            button = rng.choice((0, 0, 0, 1, 2, 32, 35, 64, 65, 66, 128))
            at = f"{rng.randrange(1, 520)};{rng.randrange(1, 220)}" if not rng.randrange(4) else _within(rng)
            return f"\x1b[<{button};{at}{rng.choice('MMm')}".encode()
        case 17:
            pasted = "".join(rng.choice(_PASTED) for _ in range(rng.randrange(1, 4)))
            return b"\x1b[200~" + pasted.encode() + _PASTE_ENDS
        case 18:
            # a cut sequence may take the next key as its own: an end of a paste and Esc precede it
            return rng.choice(_CUT) + _PASTE_ENDS + b"\x1b"
        case _:
            return rng.choice(_SIZES) if rng.randrange(2) else (rng.randrange(1, 501), rng.randrange(1, 201))


def _other_than_leaving(key: bytes) -> bytes:
    return b"j" if key in _LEAVES else key


def _within(rng: random.Random) -> str:
    return f"{rng.randrange(1, 120)};{rng.randrange(1, 40)}"


def fuzz_screen(seed: int, count: int, sources: Sequence[str], home: Path, *, options: Sequence[str] = ()) -> int:
    """Send this many events to the program. -> number of bytes it wrote. Raises FailedError."""
    rng = random.Random(f"screen-{seed}")
    # files that the program saves go to a discarded folder
    command = ["env", "-C", str(home), sys.executable, "-m", "tracetui", *options, *sources]
    environ = (
        {"PYTHONPATH": str(SAMPLES.parent)}
        | {f"XDG_{name}_HOME": str(home) for name in ("STATE", "CONFIG", "CACHE", "DATA")}
        | {"HOME": str(home)}
    )
    terminal = Terminal(command, environ=environ)
    sent: list[object] = []
    try:
        terminal.wait_for(b" traces", _ANSWERS)
        for _ in range(count):
            one = event(rng)
            sent.append(one)
            _send(terminal, one)
            _listen(terminal, 0.002 if rng.randrange(8) else 0.05)
            if terminal.has_ended:
                # the terminal buffers what is sent from now on, until it is full
                code = terminal.end()
                raise FailedError(f"seed {seed}: left with {code} after {sent[-30:]}; {terminal.seen[-2_000:]!r}")
        _send(terminal, (120, 40))
        # leave all dialogs, and complete an unfinished sequence
        _send(terminal, _PASTE_ENDS + b"\x1b" * 2)
        _listen(terminal, 1.0)
        _send(terminal, b"\x0c")
        _until_written(terminal)
        _send(terminal, b"\x03")
        # all events are handled one by one, and there may be many
        code = terminal.end(_ANSWERS + count * _SECONDS_PER_EVENT)
    except (TimeoutError, OSError) as error:
        terminal.close()
        raise FailedError(
            f"seed {seed}: {error}; the last events: {sent[-30:]}; written: {terminal.seen[-300:]!r}"
        ) from None
    if code:
        raise FailedError(f"seed {seed}: exit code {code}; the last events: {sent[-30:]}; {terminal.seen[-2_000:]!r}")
    if b"Traceback" in terminal.seen:
        raise FailedError(f"seed {seed}: a traceback on the terminal: {terminal.seen[-2_000:]!r}")
    for found in interpreted_sequences(terminal.seen):
        raise FailedError(f"seed {seed}: control characters from the data reach the terminal: {found!r}")
    return len(terminal.seen)


def interpreted_sequences(output: bytes) -> Iterator[str]:
    """Find control characters that the screen must not write, each with its context."""
    text = _OWN.sub(b"", output.replace(QUERY.encode(), b"")).decode("utf-8", "replace")
    for found in _CONTROL_CHARACTERS.finditer(text):
        yield text[max(found.start() - 40, 0) : found.end() + 40]


def _send(terminal: Terminal, one: bytes | tuple[int, int]) -> None:
    if isinstance(one, tuple):
        columns, rows = one
        fcntl.ioctl(terminal._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        return
    os.set_blocking(terminal._terminal, False)
    until = time.monotonic() + _ANSWERS
    while one:
        # a busy program leaves the line full: its output must be read meanwhile
        try:
            one = one[os.write(terminal._terminal, one[:256]) :]
        except BlockingIOError:
            _listen(terminal, 0.05)
        _listen(terminal, 0.0)
        if time.monotonic() > until:
            raise TimeoutError("the program reads no keys, or has left")


def _listen(terminal: Terminal, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        terminal._read(max(until - time.monotonic(), 0.0))
        if time.monotonic() >= until:
            return


def _until_written(terminal: Terminal) -> None:
    before, until = len(terminal.seen), time.monotonic() + _ANSWERS
    while len(terminal.seen) == before:
        if time.monotonic() > until:
            raise TimeoutError("no answer to a key")
        terminal._read(0.2)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz.screen", description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=1_000, help="events")
    options.add_argument("--runs", type=int, default=1, help="runs with seeds that follow each other")
    args = options.parse_args()
    failed = 0
    for seed in range(args.seed, args.seed + args.runs):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            try:
                size = fuzz_screen(seed, args.count, hostile_sources(home), home)
                print(f"seed {seed}: {args.count:,} events, {size:,} bytes written", flush=True)
            except FailedError as error:
                failed += 1
                print(error, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
