"""Loading in a process of its own, for a program that must stay responsive while it loads.

Run as `python -m tracetui.ingest.worker MEMORY ANSWER SOURCE...` with two inherited file descriptors: the trace set's
columns go into the first, what else there is into the second. Progress is a JSON line on stdout each; an error is one
with a message.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

import msgspec

from tracetui.ingest.handover import handed_over, shared_memory, taken_over
from tracetui.ingest.load import Progress, load
from tracetui.model.problems import InputError
from tracetui.model.traces import TraceSet

_BETWEEN = 0.1


class _Failure(msgspec.Struct):
    error: str


class LoadCancelledError(InputError):
    """The user stopped the load."""


class BackgroundLoad:
    """One load in a process of its own."""

    def __init__(self, sources: Sequence[str], stdin: int | None = None) -> None:
        """`stdin`: the descriptor that the source `-` is read from."""
        self._sources = list(sources)
        self._stdin = subprocess.DEVNULL if stdin is None else stdin
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Stop the load; `run` raises LoadCancelledError."""
        self._cancelled.set()
        if self._process is not None:
            self._process.kill()

    def run(self, progress: Callable[[Progress], None]) -> TraceSet:
        """Load, in the calling thread. Raises InputError as `load` does, and LoadCancelledError."""
        memory = shared_memory()
        answer, say = os.pipe()
        try:
            command = [sys.executable, "-m", "tracetui.ingest.worker", str(memory), str(say), *self._sources]
            with subprocess.Popen(
                command, stdin=self._stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=(memory, say)
            ) as process:
                self._process = process
                if self._cancelled.is_set():
                    process.kill()
                os.close(say)
                said: list[bytes] = []
                reader = threading.Thread(target=lambda: said.append(_read_all(answer)), daemon=True)
                reader.start()
                failure = self._follow(process, progress)
                reader.join()
            if self._cancelled.is_set():
                raise LoadCancelledError("loading was stopped")
            if failure is not None:
                raise InputError(failure)
            traces = taken_over(said[0], memory)
            if not isinstance(traces, TraceSet):
                raise InputError(f"the loading process ended early (status {process.returncode})")
            return traces
        finally:
            os.close(memory)
            os.close(answer)

    @staticmethod
    def _follow(process: subprocess.Popen[bytes], progress: Callable[[Progress], None]) -> str | None:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(msgspec.DecodeError):
                return msgspec.json.decode(line, type=_Failure).error
            with contextlib.suppress(msgspec.DecodeError):
                progress(msgspec.json.decode(line, type=Progress))
        return None


def _read_all(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        return stream.read()


def main(arguments: Sequence[str]) -> int:
    memory, say = int(arguments[0]), int(arguments[1])
    due = 0.0

    def report(progress: Progress) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + _BETWEEN
            _tell(asdict(progress))

    try:
        traces = load(arguments[2:], report)
    except InputError as error:
        _tell({"error": str(error)})
        return InputError.exit_code
    with os.fdopen(say, "wb") as stream:
        stream.write(handed_over(traces, memory))
    return 0


def _tell(value: dict[str, object]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
