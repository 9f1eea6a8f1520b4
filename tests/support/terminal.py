"""Run a program on a pseudo-terminal and measure the time until it paints and responds to keys."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence

_QUIET = 0.15
"""Seconds without output after which a response is complete."""
_LONGEST = 1.0
"""Longest wait for a response, in seconds."""


PATIENCE = 300.0
"""Longest wait for a text or the end, in seconds: a busy machine takes long, a hanging program for ever."""


class Terminal:
    """Runs a command in a pseudo-terminal."""

    def __init__(
        self, command: Sequence[str], columns: int = 140, rows: int = 40, environ: Mapping[str, str] | None = None
    ) -> None:
        self._started = time.perf_counter()
        self._pid, self._terminal = pty.fork()
        if not self._pid:
            os.environ.update(environ or {})
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(columns), LINES=str(rows))
            os.execvp(command[0], list(command))
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)
        self.seen = b""

    def wait_for(self, text: bytes, seconds: float = PATIENCE) -> float:
        """Wait for a text. -> seconds since the start. Raises TimeoutError."""
        until = time.perf_counter() + seconds
        while text not in self.seen:
            if time.perf_counter() > until:
                raise TimeoutError(f"{text!r} did not appear; last: {self.seen[-400:]!r}")
            self._read(0.05)
        return time.perf_counter() - self._started

    def answer(self, key: bytes, answer: bytes, pause: float = 0.05) -> float:
        """Press a key and wait for a text. -> seconds until it appears; there may be other output"""
        until = time.perf_counter() + pause
        while time.perf_counter() < until:
            self._read(0.005)
        return self._answered(key, answer)

    def press(self, key: bytes) -> tuple[float, int]:
        """Press a key and wait for its output. -> seconds until the first byte, and the number of bytes"""
        self._read_until_quiet()
        before = len(self.seen)
        answered = self._answered(key, b"")
        self._read_until_quiet()
        return answered, len(self.seen) - before

    def _answered(self, key: bytes, answer: bytes) -> float:
        before = len(self.seen)
        begin = time.perf_counter()
        os.write(self._terminal, key)
        while not self._read(0.005) or answer not in self.seen[before:]:
            if time.perf_counter() - begin > _LONGEST:
                break
        return time.perf_counter() - begin

    def resize(self, columns: int, rows: int) -> None:
        """Resize the terminal, which signals the program."""
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, number: int) -> None:
        os.kill(self._pid, number)

    @property
    def has_ended(self) -> bool:
        """True once the program has ended; `end` still returns its exit code."""
        return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self, seconds: float = PATIENCE) -> int:
        """Wait for the program to end. -> its exit code, negative for a signal. Raises TimeoutError."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self._read(0.05)
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                while self._read(0.05):
                    pass
                os.close(self._terminal)
                return os.waitstatus_to_exitcode(status)
        raise TimeoutError("the program has not ended")

    def vanish(self, key: bytes, seconds: float = PATIENCE) -> int:
        """Press a key and close the terminal during the response, as a lost connection. -> the exit code

        Raises TimeoutError.
        """
        os.write(self._terminal, key)
        self._read(_LONGEST)
        os.close(self._terminal)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        raise TimeoutError("the program has not ended without a terminal")

    def close(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def _read_until_quiet(self) -> None:
        until = time.perf_counter() + _LONGEST
        while time.perf_counter() < until and self._read(_QUIET):
            pass

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:
            return False
        self.seen += data
        return bool(data)
