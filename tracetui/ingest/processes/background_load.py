"""Load in a separate process, for programs that must stay responsive."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import tracetui
from tracetui.config import NO_OVERRIDES, Overrides
from tracetui.ingest.loader import LoadProgress
from tracetui.ingest.processes.protocol import (
    Failure,
    LoadRequest,
    NewestStartsRequest,
    NewestStartsResult,
    PartialResult,
    ProgressReport,
    Request,
    SearchReportMessage,
    SearchRequest,
    ServerStatsRequest,
    ServerStatsResult,
    Unchanged,
    decode_response,
    send_request,
    stop_signal,
)
from tracetui.ingest.processes.shared_memory import receive
from tracetui.ingest.servers.pool import SearchReport
from tracetui.model.errors import BackEndError, InputError
from tracetui.model.search import NOTHING, Search
from tracetui.model.server_stats import ServerStats
from tracetui.model.traces import TraceSet

_Answer = TypeVar("_Answer", ServerStatsResult, NewestStartsResult)


class LoadCancelledError(InputError):
    """The load was cancelled; there is no result."""


class BackgroundLoad:
    """A load in its own process, which can be searched again if its sources include servers."""

    def __init__(
        self,
        sources: Sequence[str],
        stdin: int | None = None,
        *,
        search: Search = NOTHING,
        overrides: Overrides = NO_OVERRIDES,
        first_part: float = 0.5,
        user_can_choose: bool = False,
    ) -> None:
        """`stdin`: descriptor for the source `-`; `first_part`: seconds until the first partial result;
        `user_can_choose` as in `ServerPool`.
        """
        self._request = LoadRequest(list(sources), search, overrides, first_part, user_can_choose)
        self._stdin = subprocess.DEVNULL if stdin is None else stdin
        self._process: subprocess.Popen[bytes] | None = None
        self._sets: socket.socket | None = None
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        """Orders a stop before or after the beginning and the end of a request."""
        self._request_count = 0
        self._is_answering = False
        self._is_running = self._has_ended = False
        self.services: list[str] = []
        """Services of the servers, once everything is read."""
        self.can_search_again = False
        """True if `again` can be called."""

    @property
    def is_stopped(self) -> bool:
        """True after `stop`."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Stop reading; the running call returns the data so far. A second call cancels."""
        if self._stopped.is_set():
            self.cancel()
            return
        with self._lock:
            self._stopped.set()
            if self._is_answering:
                self._signal_stop()

    def resume(self) -> None:
        """Allow further searches after a stop."""
        self._stopped.clear()

    def cancel(self) -> None:
        """End the load and drop its data; the running call raises LoadCancelledError."""
        self._stopped.set()
        self.can_search_again = False
        if self._process is not None:
            self._end_group()
        if not self._is_running:
            self._end()

    def run(
        self,
        progress: Callable[[LoadProgress], object],
        part: Callable[[TraceSet], object] = lambda _: None,
        on_report: Callable[[SearchReport], object] = lambda _: None,
    ) -> TraceSet:
        """Load, in the calling thread. `part` receives partial sets, `on_report` the reports of searches.

        Raises InputError as `load` does, and LoadCancelledError.
        """
        here, there = socket.socketpair()
        self._sets = here
        with there:
            self._process = subprocess.Popen(
                # -P: the current directory may contain untrusted modules
                [sys.executable, "-P", "-m", "tracetui.ingest.processes.loading_process", str(there.fileno())],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(_module_paths())},
                stdin=self._stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(there.fileno(),),
                # its own group, so that commands that it starts end with it
                process_group=0,
            )
        traces = self._follow(self._request, progress, part, on_report)
        # only a repeated search can be unchanged
        assert traces is not None
        return traces

    def again(
        self,
        search: Search,
        progress: Callable[[LoadProgress], object],
        on_report: Callable[[SearchReport], object] = lambda _: None,
        *,
        known_ns: int = 0,
    ) -> TraceSet | None:
        """Search the servers again, in the calling thread. -> the new set, None if nothing has changed

        `known_ns`: start time from which on no trace may be missing, as in `Loader.search_again`; 0 for none.

        Raises BackEndError if no server answers, and LoadCancelledError.
        """
        return self._follow(SearchRequest(search, known_ns), progress, lambda _: None, on_report)

    def server_stats(self, services: Sequence[str], lookback_ns: int) -> ServerStats:
        """Query the server statistics, in the calling thread. Raises BackEndError and LoadCancelledError."""
        return self._query(ServerStatsRequest(list(services), lookback_ns), ServerStatsResult).server_stats

    def newest_starts(self, services: Sequence[str], lookback_ns: int) -> dict[str, int]:
        """Query the start of the newest trace of each service, in the calling thread, as `ServerPool.newest_starts`.

        After a stop the results so far are returned. Raises LoadCancelledError if the process is gone.
        """
        return self._query(NewestStartsRequest(list(services), lookback_ns), NewestStartsResult).starts

    def _query(self, request: ServerStatsRequest | NewestStartsRequest, wanted: type[_Answer]) -> _Answer:
        """Send a request and wait for its response. Raises LoadCancelledError also if the process is gone."""
        assert self._process is not None
        with self._sending(request):
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
        response = decode_response(line) if line else None
        if isinstance(response, wanted):
            return response
        if isinstance(response, Failure) and not self._stopped.is_set():
            raise BackEndError(response.error)
        raise LoadCancelledError("search stopped")

    @contextlib.contextmanager
    def _sending(self, request: Request) -> Iterator[None]:
        """Send a request, and let `stop` stop it until its response has come."""
        assert self._sets is not None
        with self._lock:
            self._request_count += 1
            send_request(request, self._sets)
            self._is_answering = True
            if self._stopped.is_set():
                self._signal_stop()
        try:
            yield
        finally:
            with self._lock:
                self._is_answering = False

    def _signal_stop(self) -> None:
        """Stop the current request."""
        assert self._process is not None
        self._process.send_signal(stop_signal(self._request_count - 1))

    def _follow(
        self,
        request: LoadRequest | SearchRequest,
        progress: Callable[[LoadProgress], object],
        part: Callable[[TraceSet], object],
        on_report: Callable[[SearchReport], object],
    ) -> TraceSet | None:
        """Send a request to the process, and handle its responses until it is done."""
        process, sets = self._process, self._sets
        assert process is not None
        assert sets is not None
        assert process.stdout is not None
        self._is_running = True
        try:
            with self._sending(request):
                for line in process.stdout:
                    response = decode_response(line)
                    if isinstance(response, ProgressReport):
                        progress(response.progress)
                    elif isinstance(response, SearchReportMessage):
                        on_report(response.report)
                    elif isinstance(response, (Unchanged, ServerStatsResult, NewestStartsResult)):
                        return None
                    elif isinstance(response, Failure):
                        if isinstance(request, SearchRequest):
                            # the process stays for further requests
                            stopped = self._stopped.is_set()
                            raise LoadCancelledError(response.error) if stopped else BackEndError(response.error)
                        if self._stopped.is_set():
                            break
                        raise InputError(response.error)
                    else:
                        traces = receive(sets)
                        if not isinstance(traces, TraceSet):
                            break
                        if isinstance(response, PartialResult):
                            part(traces)
                            continue
                        self.services, self.can_search_again = response.services, response.can_search_again
                        return traces
        except OSError:
            # the process is gone
            pass
        finally:
            self._is_running = False
            if not self.can_search_again:
                self._end()
        self._end()
        if self._stopped.is_set():
            raise LoadCancelledError("loading stopped")
        raise InputError(_reason_of_end(process.returncode))

    def _end(self) -> None:
        """End the process."""
        self.can_search_again = False
        if self._sets is not None:
            # the process exits when the socket closes
            self._sets.close()
        if self._process is not None and not self._has_ended:
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process.wait()
            self._end_group()
            self._has_ended = True

    def _end_group(self) -> None:
        """End the process group; later its number may be reused."""
        assert self._process is not None
        if self._has_ended:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _module_paths() -> list[str]:
    """List the location of this program, however it was started, and the user's other module paths."""
    own = str(Path(tracetui.__file__).resolve().parents[1])
    return [own, *filter(None, [os.environ.get("PYTHONPATH")])]


def _reason_of_end(code: int | None) -> str:
    """Return the message for a process that ended without a result; `code` is negative for a signal."""
    if code == -signal.SIGKILL:
        return "the loading process was killed, perhaps because memory ran out; load fewer or smaller sources"
    if code == -signal.SIGBUS:
        return "the loading process could not read on: a file became shorter meanwhile, or its disk fails"
    if code is not None and code < 0:
        return f"the loading process crashed ({signal.strsignal(-code)})"
    return f"the loading process ended early (status {code})"
