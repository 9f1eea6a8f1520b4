"""Terminal driver that handles a lost terminal and invalid input.

In both cases exceptions would end Textual's reader and writer threads, and the program would continue without keys or
output.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections.abc import Iterable
from typing import IO, Any

from textual import events
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tracetui.tui.terminal.app import TerminalApp
from tracetui.tui.terminal.background import QUERY, report_of
from tracetui.tui.terminal.input import TerminalInput

_READ_BYTES = 1 << 12
_IDLE_SECONDS = 0.1
MAX_CELLS = 2_000
"""Largest number of columns or rows accepted from a terminal, as painting more takes minutes."""


class _TolerantFile:
    """Terminal file that ignores failed writes.

    An error would end Textual's writer thread, and the program would wait for it forever.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()


def tolerant_file(file: IO[str] | None) -> Any:
    """Wrap a file so that failed writes are ignored."""
    return file and _TolerantFile(file)


class KeyReader:
    """Converts any bytes from a terminal to events."""

    def __init__(self, debug: bool = False) -> None:
        self._debug = debug
        self._input = TerminalInput()
        self._parser = XTermParser(debug)

    def expect_answer(self) -> None:
        """Note that the terminal was asked for its background."""
        self._input.expect_answer(time.monotonic())

    def feed(self, data: bytes) -> list[Message]:
        """Return the events in some bytes."""
        found = self._parsed(self._input.decode(data, time.monotonic())) + self._collected(self._parser.tick())
        return [*found, *filter(None, map(report_of, self._input.take_commands()))]

    def idle(self) -> list[Message]:
        """Return events that are due after a pause, such as a lone Esc."""
        return self._parsed(self._input.idle(time.monotonic())) + self._collected(self._parser.tick())

    def _parsed(self, text: str) -> list[Message]:
        # an empty text would mean the end of input to the parser
        return self._collected(self._parser.feed(text)) if text else []

    def _collected(self, parsed: Iterable[Message]) -> list[Message]:
        found: list[Message] = []
        try:
            for event in parsed:
                # not a comprehension, so that events before an error are kept
                if _is_plausible(event):
                    found.append(event)  # noqa: PERF401
        except (ParseError, StopIteration, RuntimeError, ArithmeticError, ValueError, LookupError):
            # an invalid report terminates the parser
            self._parser = XTermParser(self._debug)
        return found


def _is_plausible(event: Message) -> bool:
    """Test whether an event can be true: a report of a size of zero or millions of cells is damaged."""
    if not isinstance(event, events.Resize):
        return True
    return 0 < event.size.width <= MAX_CELLS and 0 < event.size.height <= MAX_CELLS


class ResilientDriver(LinuxDriver):
    """Textual's driver, resilient against a lost terminal and invalid input."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Textual paints on standard error, which may be a file or closed
        is_terminal = sys.__stderr__ is not None and sys.__stderr__.isatty()
        self._file = tolerant_file(sys.__stderr__ if is_terminal else sys.__stdout__)
        # else the first screen has the size that the terminal or the environment states
        self._size = self._size or self._get_terminal_size()
        self._is_restarting = False
        self._asks_background = isinstance(self._app, TerminalApp) and self._app.asks_background
        self._expects_answer = False

    def start_application_mode(self) -> None:
        # decided before the thread that reads the answer starts
        self._expects_answer = self._asks_background and self.input_tty
        self._asks_background = False
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._expects_answer:
            self.write(QUERY)
            self.flush()

    def _sigcont_application(self, *_: Any) -> None:
        """Reopen the terminal after the program was stopped by any signal.

        SIGSTOP cannot be caught, so Textual has not released the terminal. It would start a second pair of threads,
        which keep the program from ending, and save its own terminal modes as the ones to restore.
        """
        if self._is_restarting or not self._auto_restart:
            return
        self._is_restarting = True
        try:
            if self._key_thread is not None and self._key_thread.is_alive():
                self.suspend_application_mode()
                self._must_signal_resume = True
            if self._must_signal_resume:
                self.resume_application_mode()
        finally:
            self._is_restarting = False

    def _get_terminal_size(self) -> tuple[int, int]:
        width, height = super()._get_terminal_size()
        return min(width, MAX_CELLS), min(height, MAX_CELLS)

    def run_input_thread(self) -> None:
        """Read keys until the driver is told to stop or the terminal is gone."""
        reader = KeyReader(self._debug)
        if self._expects_answer:
            reader.expect_answer()
        while not self.exit_event.is_set():
            ready, _, _ = select.select([self.fileno], [], [], _IDLE_SECONDS)
            if not ready:
                self._process(reader.idle())
                continue
            try:
                data = os.read(self.fileno, _READ_BYTES)
            except OSError:
                data = b""
            if not data:
                # the terminal is gone; a signal does not always follow
                self._app.call_later(self._app.exit)
                self.exit_event.wait()
                return
            self._process(reader.feed(data))

    def _process(self, messages: list[Message]) -> None:
        for message in messages:
            self.process_message(message)
