"""The loading process: `python -m tracetui.ingest.processes.worker SOCKET`, with one end of a socket pair inherited.

After a while and then ever more rarely it hands over what has arrived so far. SIGTERM ends the reading; what is here by
then is handed over. Where there are servers among the sources, it stays, and asks them again when it is told to.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from tracetui.ingest.loader import Loader, LoadProgress, StopReading
from tracetui.ingest.processes.protocol import (
    Failure,
    FinalResult,
    FindNewest,
    LoadRequest,
    Newest,
    PartialResult,
    ProgressReport,
    ProgressText,
    Response,
    ServerStatsRequest,
    ServerStatsResult,
    Unchanged,
    receive_request,
    word_line,
)
from tracetui.ingest.processes.shared_memory import send
from tracetui.ingest.servers.pool import SearchReport
from tracetui.model.errors import TracetuiError
from tracetui.model.traces import TraceSet

_BETWEEN = 0.1
"""Seconds between two words about the progress."""
_LATER_PART = 4
"""Factor by which the time to the next partial result grows: making a set of a part takes time, too."""


_NICENESS = 10


class _Reporter:
    """Reports progress and hands over partial results, neither too often."""

    def __init__(self, sets: socket.socket) -> None:
        self._sets = sets
        self._stopped = self._waits = False
        self.begin(math.inf)

    def begin(self, first_part: float) -> None:
        """Start a reading, with a first partial result after this many seconds."""
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
        """True while it only waits, which can be interrupted anywhere."""
        if self._stopped:
            raise StopReading
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    def progress(self, progress: LoadProgress) -> None:
        if self._stopped:
            raise StopReading
        now = time.monotonic()
        if now >= self._next_word:
            self._next_word = now + _BETWEEN
            _tell(ProgressReport(progress))

    def arrived(self, make: Callable[[], TraceSet]) -> None:
        now = time.monotonic()
        if now >= self._next_part:
            self._next_part = self._began + _LATER_PART * (now - self._began)
            send(make(), self._sets)
            _tell(PartialResult())


def main(arguments: Sequence[str]) -> int:
    # whoever started it has a user to answer
    os.nice(_NICENESS)
    with socket.socket(fileno=int(arguments[0])) as sets:
        reporter = _Reporter(sets)
        signal.signal(signal.SIGTERM, reporter.stop)
        loading: Loader | None = None
        services: list[str] = []
        while (wish := receive_request(sets)) is not None:
            try:
                if isinstance(wish, LoadRequest):
                    reporter.begin(wish.first_part)
                    loading = Loader(
                        wish.sources,
                        wish.overrides,
                        keep_going=True,
                        waiting=reporter.waiting,
                        asks_for_choice=wish.asks_for_choice,
                    )
                    found = loading.read(reporter.progress, reporter.arrived, wish.search, _say)
                elif isinstance(wish, ServerStatsRequest):
                    reporter.begin(math.inf)
                    assert loading is not None
                    _tell(ServerStatsResult(loading.servers.server_stats(wish.services, wish.lookback_ns)))
                    continue
                elif isinstance(wish, FindNewest):
                    reporter.begin(math.inf)
                    assert loading is not None
                    _tell(Newest(_newest(loading, wish)))
                    continue
                else:
                    reporter.begin(math.inf)
                    assert loading is not None
                    changed = loading.ask(wish.search, reporter.progress, _say, known_ns=wish.known_ns)
                    if changed is None:
                        _tell(Unchanged())
                        continue
                    found = changed
            except StopReading:
                _tell(Failure("search stopped"))
                continue
            except TracetuiError as error:
                _tell(Failure(str(error)))
                if isinstance(wish, LoadRequest):
                    return error.exit_code
                continue
            send(found, sets)
            if isinstance(wish, LoadRequest):
                services = _services(loading)
            _tell(FinalResult(services, loading.servers.can_be_asked_again))
            if not loading.servers.can_be_asked_again:
                break
    return 0


def _services(loading: Loader) -> list[str]:
    try:
        return loading.servers.services()
    except (TracetuiError, StopReading):
        # they are only to choose from
        return []


def _newest(loading: Loader, wish: FindNewest) -> dict[str, int]:
    starts: dict[str, int] = {}
    with suppress(StopReading):
        # what was found until it was stopped counts
        loading.servers.newest_starts(wish.services, wish.lookback_ns, starts)
    return starts


def _say(found: SearchReport) -> None:
    _tell(ProgressText(found))


def _tell(word: Response) -> None:
    sys.stdout.buffer.write(word_line(word))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # without waiting for requests that nobody waits for any more
    os._exit(status)
