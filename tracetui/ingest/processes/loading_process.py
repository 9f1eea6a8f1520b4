"""Load sources in a separate process: `python -m tracetui.ingest.processes.loading_process SOCKET`.

SOCKET is the inherited end of a socket pair. The process sends partial results at growing intervals. The stop signal of
a request, or SIGTERM, stops the reading and sends what has arrived. If the sources include servers, it stays and serves
further requests.
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
    LoadRequest,
    NewestStartsRequest,
    NewestStartsResult,
    PartialResult,
    ProgressReport,
    Response,
    SearchReportMessage,
    ServerStatsRequest,
    ServerStatsResult,
    Unchanged,
    encode_response,
    receive_request,
    stop_signal,
)
from tracetui.ingest.processes.shared_memory import send
from tracetui.ingest.servers.pool import SearchReport
from tracetui.model.errors import TracetuiError
from tracetui.model.traces import TraceSet

_REPORT_SECONDS = 0.1
"""Shortest time between two progress reports."""
_PART_GROWTH = 4
"""Growth factor of the time to the next partial result, as assembling each takes time."""


_NICENESS = 10


class _Reporter:
    """Sends progress reports and partial results at limited rates."""

    def __init__(self, sets: socket.socket) -> None:
        self._sets = sets
        self._stops = [False, False]
        """True for the requests to stop, by even and odd numbers."""
        self._number = -1
        self._is_waiting = self._can_be_interrupted = self.was_interrupted = False
        self.begin(math.inf)
        self.end()

    def begin(self, first_part: float) -> None:
        """Begin a request, with the first partial result after this number of seconds."""
        self._can_be_interrupted = True
        self.was_interrupted = False
        self._next_report = 0.0
        self._began = time.monotonic()
        self._next_part = self._began + first_part

    def end(self) -> None:
        """End the work of a request: from now on a stop interrupts nothing."""
        self._can_be_interrupted = False

    def received(self) -> None:
        """Count a request. Its stop may have come before it; a stop of the previous request no longer matters."""
        self._number += 1
        self._stops[(self._number + 1) % 2] = False

    @property
    def _is_stopped(self) -> bool:
        return self._stops[self._number % 2]

    def stop(self, number: int, _: object) -> None:
        """Handle a signal."""
        for parity in range(2):
            if number in (stop_signal(parity), signal.SIGTERM):
                self._stops[parity] = True
        if self._is_waiting and self._can_be_interrupted and self._is_stopped:
            # interrupt the wait, once
            self._can_be_interrupted = False
            self.was_interrupted = True
            raise StopReading

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Mark a wait for servers, which a stop can interrupt anywhere."""
        if self._is_stopped:
            raise StopReading
        self._is_waiting = True
        try:
            yield
        finally:
            self._is_waiting = False

    def progress(self, progress: LoadProgress) -> None:
        if self._is_stopped:
            raise StopReading
        now = time.monotonic()
        if now >= self._next_report:
            self._next_report = now + _REPORT_SECONDS
            _send(ProgressReport(progress))

    def on_part(self, make: Callable[[], TraceSet]) -> None:
        now = time.monotonic()
        if now >= self._next_part:
            self._next_part = self._began + _PART_GROWTH * (now - self._began)
            send(make(), self._sets)
            _send(PartialResult())


def main(arguments: Sequence[str]) -> int:
    """Serve the requests of the parent process. -> exit code"""
    # the parent must stay responsive
    os.nice(_NICENESS)
    with socket.socket(fileno=int(arguments[0])) as sets:
        reporter = _Reporter(sets)
        for number in (stop_signal(0), stop_signal(1), signal.SIGTERM):
            signal.signal(number, reporter.stop)
        loading: Loader | None = None
        services: list[str] = []
        while True:
            request = receive_request(sets)
            if request is None:
                break
            reporter.received()
            try:
                if isinstance(request, LoadRequest):
                    reporter.begin(request.first_part)
                    loading = Loader(
                        request.sources,
                        request.overrides,
                        keep_going=True,
                        waiting=reporter.waiting,
                        user_can_choose=request.user_can_choose,
                    )
                    found = loading.read(reporter.progress, reporter.on_part, request.search, _report_search)
                elif isinstance(request, ServerStatsRequest):
                    reporter.begin(math.inf)
                    assert loading is not None
                    stats = loading.servers.server_stats(request.services, request.lookback_ns)
                    reporter.end()
                    _send(ServerStatsResult(stats))
                    continue
                elif isinstance(request, NewestStartsRequest):
                    reporter.begin(math.inf)
                    assert loading is not None
                    starts = _newest(loading, request)
                    reporter.end()
                    _send(NewestStartsResult(starts))
                    continue
                else:
                    reporter.begin(math.inf)
                    assert loading is not None
                    changed = loading.search_again(
                        request.search, reporter.progress, _report_search, known_ns=request.known_ns
                    )
                    reporter.end()
                    if changed is None:
                        _send(Unchanged())
                        continue
                    found = changed
            except StopReading:
                _send(Failure("search stopped"))
                continue
            except TracetuiError as error:
                reporter.end()
                _send(Failure(str(error)))
                if isinstance(request, LoadRequest):
                    return error.exit_code
                continue
            except Exception:
                # an interrupt within a lock or a connection may surface as another error
                if not reporter.was_interrupted:
                    raise
                _send(Failure("search stopped"))
                continue
            reporter.end()
            send(found, sets)
            if isinstance(request, LoadRequest):
                services = _services(loading)
            _send(FinalResult(services, loading.servers.can_search_again))
            if not loading.servers.can_search_again:
                break
    return 0


def _services(loading: Loader) -> list[str]:
    try:
        return loading.servers.services()
    except (TracetuiError, StopReading):
        # used for suggestions only
        return []


def _newest(loading: Loader, request: NewestStartsRequest) -> dict[str, int]:
    starts: dict[str, int] = {}
    with suppress(StopReading):
        # after a stop the results so far count
        loading.servers.newest_starts(request.services, request.lookback_ns, starts)
    return starts


def _report_search(report: SearchReport) -> None:
    _send(SearchReportMessage(report))


def _send(response: Response) -> None:
    sys.stdout.buffer.write(encode_response(response))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # do not wait for pending requests
    os._exit(status)
