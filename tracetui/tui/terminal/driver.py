"""Terminal driver that survives a terminal going away and input that is no key.

Textual's threads that read from and write to the terminal end by an exception then, and the program would go on deaf,
without a screen.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterable
from typing import IO, Any

from textual import events
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tracetui.tui.terminal.input import TerminalInput

_READ_BYTES = 1 << 12
_IDLE_SECONDS = 0.1
MOST_CELLS = 2_000
"""Columns or rows of the largest size that a terminal is believed to have: painting more takes minutes."""


class _Forgiving:
    """A terminal's file that ignores writes once it is gone. Otherwise Textual's writer thread would end by the
    error, and the program wait forever for it to write the rest.
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


def forgiving(file: IO[str] | None) -> Any:
    """Wrap the file so that failing writes are dropped."""
    return file and _Forgiving(file)


class KeyReader:
    """Turns bytes from a terminal into events, whatever the bytes are."""

    def __init__(self, debug: bool = False) -> None:
        self._debug = debug
        self._input = TerminalInput()
        self._parser = XTermParser(debug)

    def feed(self, data: bytes) -> list[Message]:
        """Return the events of some bytes."""
        return self._parsed(self._input.decode(data, time.monotonic())) + self._taken(self._parser.tick())

    def idle(self) -> list[Message]:
        """Return events that are due after a pause, such as that of the escape key."""
        return self._parsed(self._input.idle(time.monotonic())) + self._taken(self._parser.tick())

    def _parsed(self, text: str) -> list[Message]:
        # an empty text would be the end to the parser
        return self._taken(self._parser.feed(text)) if text else []

    def _taken(self, parsed: Iterable[Message]) -> list[Message]:
        found: list[Message] = []
        try:
            for event in parsed:
                # those before one that fails are kept
                if _is_sane(event):
                    found.append(event)  # noqa: PERF401
        except (ParseError, StopIteration, RuntimeError, ArithmeticError, ValueError, LookupError):
            # a report that makes no sense ends the parser: another one takes what comes next
            self._parser = XTermParser(self._debug)
        return found


def _is_sane(event: Message) -> bool:
    """Test whether an event is plausible: a size of no cells, or of millions, is noise."""
    if not isinstance(event, events.Resize):
        return True
    return 0 < event.size.width <= MOST_CELLS and 0 < event.size.height <= MOST_CELLS


class ResilientDriver(LinuxDriver):
    """Textual's driver, resilient against a lost terminal and bytes that are no keys."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Textual's type is that of a whole file
        self._file = forgiving(self._file)
        self._is_restarting = False

    def _sigcont_application(self, *_: Any) -> None:
        """Take up the terminal again, whichever way the program was stopped.

        Where that was by a signal that cannot be caught, Textual has not let the terminal go. It would start second
        threads then, for which the program waits in vain when it is to end, and take the modes that it has set for
        those to go back to.
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
        return min(width, MOST_CELLS), min(height, MOST_CELLS)

    def run_input_thread(self) -> None:
        """Read keys until the driver is told to stop or the terminal is gone."""
        reader = KeyReader(self._debug)
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
                # nobody is there to press a key any more; a signal may say so too, or not
                self._app.call_later(self._app.exit)
                self.exit_event.wait()
                return
            self._process(reader.feed(data))

    def _process(self, found: list[Message]) -> None:
        for event in found:
            self.process_message(event)
