"""A program on a terminal of its own: how long until it has painted, and until each key is answered."""

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
"""Seconds without output after which an answer is whole."""
_LONGEST = 1.0
"""Seconds after which no answer is waited for any longer."""


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
            os.execvp(command[0], command)
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)
        self.seen = b""

    def wait_for(self, text: bytes, seconds: float = 120) -> float:
        """Seconds from the start until the text is on the terminal. Raises TimeoutError."""
        until = time.perf_counter() + seconds
        while text not in self.seen:
            if time.perf_counter() > until:
                raise TimeoutError(f"{text!r} did not appear; last: {self.seen[-400:]!r}")
            self._read(0.05)
        return time.perf_counter() - self._started

    def answer(self, key: bytes, answer: bytes, pause: float = 0.05) -> float:
        """-> seconds until the named text follows a key, on a terminal that other things are written to as well"""
        until = time.perf_counter() + pause
        while time.perf_counter() < until:
            self._read(0.005)
        return self._answered(key, answer)

    def press(self, key: bytes) -> tuple[float, int]:
        """-> seconds until the first byte of what follows, and how many bytes came until the terminal was quiet"""
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
        """Give the terminal another size, of which the program is told by a signal."""
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, number: int) -> None:
        os.kill(self._pid, number)

    def end(self, seconds: float = 20) -> int:
        """Wait until the program has ended by itself. -> its exit code, negative for a signal. Raises TimeoutError."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self._read(0.05)
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                while self._read(0.05):
                    pass
                os.close(self._terminal)
                return os.waitstatus_to_exitcode(status)
        raise TimeoutError("the program goes on")

    def vanish(self, key: bytes, seconds: float = 20) -> int:
        """Press a key and go away while it is answered, as a line that breaks does. -> the program's exit code

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
        raise TimeoutError("the program goes on without a terminal")

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
