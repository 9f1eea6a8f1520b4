"""Loading in a process of its own, for a program that must stay responsive while it loads.

Run as `python -m tracetui.ingest.worker SOCKET` with one end of a Unix socket pair inherited, through which it is told
what to read: what is said to a process by its arguments can be read by everyone. Trace sets go back through it, after a
while and then ever more rarely those of what has arrived so far. What happens is said in JSON lines on stdout. SIGTERM
ends the reading; what is here by then is handed over. Where there are servers among the sources, the process stays, and
asks them again when it is told to.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tracetui.config import Overrides
from tracetui.ingest.asked import Told
from tracetui.ingest.handover import receive, send
from tracetui.ingest.load import Loading, Progress, StopReading
from tracetui.model.problems import BackEndError, InputError, TracetuiError
from tracetui.model.search import NOTHING, Search
from tracetui.model.traces import TraceSet

_BETWEEN = 0.1
"""Seconds between two words about the progress."""
_LATER_PART = 4
"""How many times as long as until the last one it is to the next: making a set of a part takes time, too."""


_NICENESS = 10


class _Read(msgspec.Struct, tag="read"):
    sources: list[str]
    search: Search
    overrides: Overrides
    first_part: float


class _Ask(msgspec.Struct, tag="ask"):
    search: Search


class _Far(msgspec.Struct, tag="far"):
    progress: Progress


class _Told(msgspec.Struct, tag="told"):
    found: Told


class _Part(msgspec.Struct, tag="part"):
    """A set of what is here so far was sent."""


class _Whole(msgspec.Struct, tag="whole"):
    """The set was sent."""

    services: list[str] = []
    """Those that the servers know."""
    can_ask_again: bool = False


class _Same(msgspec.Struct, tag="same"):
    """Nothing is other than it was."""


class _Failure(msgspec.Struct, tag="failure"):
    error: str


_Word = _Far | _Told | _Part | _Whole | _Same | _Failure
_WORDS = msgspec.json.Decoder(_Word)
_WISHES = msgspec.json.Decoder(_Read | _Ask)
_SIZE = struct.Struct("<I")
_NO_OVERRIDES = Overrides()


class LoadCancelledError(InputError):
    """The load was stopped, and there is nothing of it to show."""


class BackgroundLoad:
    """One load in a process of its own, which can be asked again where there are servers among its sources."""

    def __init__(
        self,
        sources: Sequence[str],
        stdin: int | None = None,
        *,
        search: Search = NOTHING,
        overrides: Overrides = _NO_OVERRIDES,
        first_part: float = 0.5,
    ) -> None:
        """`stdin`: the descriptor that the source `-` is read from; `first_part`: seconds until what has arrived is
        handed over for the first time.
        """
        self._wish = _Read(list(sources), search, overrides, first_part)
        self._stdin = subprocess.DEVNULL if stdin is None else stdin
        self._process: subprocess.Popen[bytes] | None = None
        self._sets: socket.socket | None = None
        self._stopped = threading.Event()
        self.services: list[str] = []
        """Those that the servers know, once all is read."""
        self.can_ask_again = False
        """Whether `again` can be called."""

    @property
    def is_stopped(self) -> bool:
        """Whether it has been told to stop."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Read no further; what runs returns what is here by then. At the second time, `cancel`."""
        if self._stopped.is_set():
            self.cancel()
            return
        self._stopped.set()
        if self._process is not None:
            self._process.terminate()

    def cancel(self) -> None:
        """End the load and drop what it has; what runs raises LoadCancelledError."""
        self._stopped.set()
        self.can_ask_again = False
        if self._process is not None:
            self._process.kill()

    def run(
        self,
        progress: Callable[[Progress], object],
        part: Callable[[TraceSet], object] = lambda _: None,
        told: Callable[[Told], object] = lambda _: None,
    ) -> TraceSet:
        """Load, in the calling thread. `part` is given sets of what is here so far, `told` what `load` says.

        Raises InputError as `load` does, and LoadCancelledError.
        """
        here, there = socket.socketpair()
        self._sets = here
        with there:
            self._process = subprocess.Popen(
                # without the directory one is in, which may hold modules of anybody's
                [sys.executable, "-P", "-m", "tracetui.ingest.worker", str(there.fileno())],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(_module_paths())},
                stdin=self._stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(there.fileno(),),
            )
        if self._stopped.is_set():
            self._process.terminate()
        traces = self._follow(self._wish, progress, part, told)
        # a load that was read for the first time is other than nothing
        assert traces is not None
        return traces

    def again(
        self,
        search: Search,
        progress: Callable[[Progress], object],
        told: Callable[[Told], object] = lambda _: None,
    ) -> TraceSet | None:
        """Ask the servers once more, in the calling thread. -> what is here then, None where nothing has changed

        Raises BackEndError where no server answers, and LoadCancelledError.
        """
        self._stopped.clear()
        return self._follow(_Ask(search), progress, lambda _: None, told)

    def _follow(
        self,
        wish: _Read | _Ask,
        progress: Callable[[Progress], object],
        part: Callable[[TraceSet], object],
        told: Callable[[Told], object],
    ) -> TraceSet | None:
        """Tell the process what is wanted, and listen until it is done."""
        process, sets = self._process, self._sets
        assert process is not None
        assert sets is not None
        assert process.stdout is not None
        try:
            text = msgspec.json.encode(wish)
            sets.sendall(_SIZE.pack(len(text)) + text)
            for line in process.stdout:
                word = _WORDS.decode(line)
                if isinstance(word, _Far):
                    progress(word.progress)
                elif isinstance(word, _Told):
                    told(word.found)
                elif isinstance(word, _Same):
                    return None
                elif isinstance(word, _Failure):
                    if self._stopped.is_set():
                        break
                    raise BackEndError(word.error) if isinstance(wish, _Ask) else InputError(word.error)
                else:
                    traces = receive(sets)
                    if not isinstance(traces, TraceSet):
                        break
                    if isinstance(word, _Part):
                        part(traces)
                        continue
                    self.services, self.can_ask_again = word.services, word.can_ask_again
                    return traces
        except OSError:
            # it is gone
            pass
        finally:
            if not self.can_ask_again:
                self._end()
        self._end()
        if self._stopped.is_set():
            raise LoadCancelledError("loading was stopped")
        raise InputError(f"the loading process ended early (status {process.returncode})")

    def _end(self) -> None:
        """Let the process go."""
        self.can_ask_again = False
        if self._sets is not None:
            # which is what it waits for
            self._sets.close()
        if self._process is not None:
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process.wait()


def _module_paths() -> list[str]:
    """Where this program is, wherever it was started from, and where else the user wants modules to be found."""
    own = str(Path(__file__).resolve().parents[2])
    return [own, *filter(None, [os.environ.get("PYTHONPATH")])]


class _Reporter:
    """Says how far the load is, and hands over what is here so far, neither too often."""

    def __init__(self, sets: socket.socket) -> None:
        self._sets = sets
        self._stopped = self._waits = False
        self.begin(math.inf)

    def begin(self, first_part: float) -> None:
        """A reading begins, of which a part is handed over after so many seconds."""
        self._stopped = False
        self._next_word = 0.0
        self._began = time.monotonic()
        self._next_part = self._began + first_part

    def stop(self, *_: object) -> None:
        self._stopped = True
        if self._waits:
            # it would go on to wait
            raise StopReading

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Nothing is done but wait, which can be broken off anywhere."""
        if self._stopped:
            raise StopReading
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

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
        reporter = _Reporter(sets)
        signal.signal(signal.SIGTERM, reporter.stop)
        loading: Loading | None = None
        while (wish := _wished(sets)) is not None:
            try:
                if isinstance(wish, _Read):
                    reporter.begin(wish.first_part)
                    loading = Loading(wish.sources, wish.overrides, keep_going=True, waiting=reporter.waiting)
                    found = loading.read(reporter.progress, reporter.arrived, wish.search, _say)
                else:
                    reporter.begin(math.inf)
                    assert loading is not None
                    changed = loading.ask(wish.search, reporter.progress, _say)
                    if changed is None:
                        _tell(_Same())
                        continue
                    found = changed
            except TracetuiError as error:
                _tell(_Failure(str(error)))
                if isinstance(wish, _Read):
                    return error.exit_code
                continue
            send(found, sets)
            _tell(_Whole(_services(loading), loading.servers.can_be_asked_again))
            if not loading.servers.can_be_asked_again:
                break
    return 0


def _services(loading: Loading) -> list[str]:
    try:
        return loading.servers.services()
    except (TracetuiError, StopReading):
        # they are only to choose from
        return []


def _wished(sets: socket.socket) -> _Read | _Ask | None:
    """What is wanted next; None where nobody is there any more. Waits for it."""
    head = _received(sets, _SIZE.size)
    return _WISHES.decode(_received(sets, _SIZE.unpack(head)[0])) if head else None


def _received(sets: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = sets.recv(size - len(parts))
        if not part:
            return b""
        parts += part
    return parts


def _say(found: Told) -> None:
    _tell(_Told(found))


def _tell(word: _Word) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # without waiting for requests that nobody waits for any more
    os._exit(status)
