"""Loading in a process of its own, for a program that must stay responsive while it loads.

Run as `python -m tracetui.ingest.worker SOCKET SECONDS SOURCE...` with one end of a Unix socket pair inherited: trace
sets go through it, after SECONDS and then ever more rarely those of what has arrived so far. What happens is said in
JSON lines on stdout. SIGTERM ends the reading; what is here by then is handed over.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from tracetui.ingest.handover import receive, send
from tracetui.ingest.load import Progress, StopReading, load
from tracetui.model.problems import InputError
from tracetui.model.traces import TraceSet

_BETWEEN = 0.1
"""Seconds between two words about the progress."""
_LATER_PART = 4
"""How many times as long as until the last one it is to the next: making a set of a part takes time, too."""


_NICENESS = 10


class _Far(msgspec.Struct, tag="far"):
    progress: Progress


class _Part(msgspec.Struct, tag="part"):
    """A set of what is here so far was sent."""


class _Whole(msgspec.Struct, tag="whole"):
    """The set was sent."""


class _Failure(msgspec.Struct, tag="failure"):
    error: str


_Word = _Far | _Part | _Whole | _Failure
_WORDS = msgspec.json.Decoder(_Word)


class LoadCancelledError(InputError):
    """The load was stopped, and there is nothing of it to show."""


class BackgroundLoad:
    """One load in a process of its own."""

    def __init__(self, sources: Sequence[str], stdin: int | None = None, *, first_part: float = 0.5) -> None:
        """`stdin`: the descriptor that the source `-` is read from; `first_part`: seconds until what has arrived is
        handed over for the first time.
        """
        self._sources = list(sources)
        self._first_part = first_part
        self._stdin = subprocess.DEVNULL if stdin is None else stdin
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether it has been told to stop."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Read no further; `run` returns what is here by then. At the second time, `cancel`."""
        if self._stopped.is_set():
            self.cancel()
            return
        self._stopped.set()
        if self._process is not None:
            self._process.terminate()

    def cancel(self) -> None:
        """End the load and drop what it has; `run` raises LoadCancelledError."""
        self._stopped.set()
        if self._process is not None:
            self._process.kill()

    def run(
        self, progress: Callable[[Progress], object], part: Callable[[TraceSet], object] = lambda _: None
    ) -> TraceSet:
        """Load, in the calling thread. `part` is given sets of what is here so far.

        Raises InputError as `load` does, and LoadCancelledError.
        """
        here, there = socket.socketpair()
        with here:
            arguments = [str(there.fileno()), str(self._first_part), *self._sources]
            with (
                there,
                subprocess.Popen(
                    [sys.executable, "-m", "tracetui.ingest.worker", *arguments],
                    stdin=self._stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(there.fileno(),),
                ) as process,
            ):
                self._process = process
                if self._stopped.is_set():
                    process.terminate()
                there.close()
                traces = self._follow(process, here, progress, part)
        if traces is not None:
            return traces
        if self._stopped.is_set():
            raise LoadCancelledError("loading was stopped")
        raise InputError(f"the loading process ended early (status {process.returncode})")

    def _follow(
        self,
        process: subprocess.Popen[bytes],
        sets: socket.socket,
        progress: Callable[[Progress], object],
        part: Callable[[TraceSet], object],
    ) -> TraceSet | None:
        assert process.stdout is not None
        for line in process.stdout:
            word = _WORDS.decode(line)
            if isinstance(word, _Far):
                progress(word.progress)
                continue
            if isinstance(word, _Failure):
                if self._stopped.is_set():
                    return None
                raise InputError(word.error)
            traces = receive(sets)
            if not isinstance(traces, TraceSet):
                return None
            if isinstance(word, _Whole):
                return traces
            part(traces)
        return None


class _Reporter:
    """Says how far the load is, and hands over what is here so far, neither too often."""

    def __init__(self, sets: socket.socket, first_part: float) -> None:
        self._sets = sets
        self._stopped = False
        self._next_word = 0.0
        self._began = time.monotonic()
        self._next_part = self._began + first_part

    def stop(self, *_: object) -> None:
        self._stopped = True

    def progress(self, progress: Progress) -> None:
        if self._stopped:
            raise StopReading
        now = time.monotonic()
        if now >= self._next_word:
            self._next_word = now + _BETWEEN
            _tell(_Far(progress))

    def arrived(self, make: Callable[[], TraceSet]) -> None:
        now = time.monotonic()
        if now >= self._next_part:
            self._next_part = self._began + _LATER_PART * (now - self._began)
            send(make(), self._sets)
            _tell(_Part())


def main(arguments: Sequence[str]) -> int:
    # whoever started it has a user to answer
    os.nice(_NICENESS)
    with socket.socket(fileno=int(arguments[0])) as sets:
        reporter = _Reporter(sets, float(arguments[1]))
        signal.signal(signal.SIGTERM, reporter.stop)
        try:
            traces = load(arguments[2:], reporter.progress, reporter.arrived, keep_going=True)
        except InputError as error:
            _tell(_Failure(str(error)))
            return InputError.exit_code
        send(traces, sets)
        _tell(_Whole())
    return 0


def _tell(word: _Word) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
