"""Messages of loads and searches, and the functions that run them in a thread and post the messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from textual.message import Message

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.new_findings import NewFindings, find_new_findings
from tracetui.ingest.loader import LoadProgress
from tracetui.ingest.logs import with_logs
from tracetui.ingest.processes.background_load import BackgroundLoad, LoadCancelledError
from tracetui.ingest.servers.pool import SearchReport
from tracetui.model.errors import InputError, LoadWarning, UsageError
from tracetui.model.search import Search
from tracetui.model.server_stats import ServerStats
from tracetui.model.traces import TraceSet
from tracetui.session import Session


@dataclass
class LoadProgressed(Message):
    """Progress of the load."""

    progress: LoadProgress

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LoadProgressed)


@dataclass
class TraceSetArrived(Message):
    """A trace set to show, partial or complete (`whole`), and the traces that `query` selects."""

    session: Session
    query: str
    shown: np.ndarray
    analysis: Analysis
    whole: bool
    reports: Sequence[SearchReport] = ()
    """One report for each server searched."""
    new: frozenset[int] = frozenset()
    """Traces that were not loaded before."""
    new_findings: NewFindings = field(default_factory=NewFindings)
    is_poll: bool = False
    """True for a poll while following, False for a request of the user."""


@dataclass
class ServersUnchanged(Message):
    """A repeated search of the servers found nothing new."""

    reports: Sequence[SearchReport]
    is_poll: bool


@dataclass
class ServerStatsArrived(Message):
    """Server statistics, and the analysis to compare them with."""

    server_stats: ServerStats
    analysis: Analysis


@dataclass
class NewestFound(Message):
    """Start times of each service's newest trace."""

    starts: dict[str, int]
    """Nanoseconds since the epoch by service; 0 for no trace."""


@dataclass
class LoadFailed(Message):
    """A load or search ended without a result: by an error, or `stopped` by the user."""

    reason: str
    stopped: bool
    is_poll: bool = False


@dataclass(frozen=True, slots=True)
class RunningSearch:
    """A repeated search of the servers, and what is known about earlier results."""

    search: Search
    loaded_ids: frozenset[str]
    """Ids of the loaded traces."""
    baseline_ids: frozenset[str] | None
    """Ids of the traces that new ones are compared with; None while not following."""
    is_poll: bool
    known_ns: int = 0
    """Servers that send only the newest traces are searched further back, to this time; 0 for no further search."""


def load_in_background(
    load: BackgroundLoad,
    logs: Sequence[str],
    query: Callable[[], str],
    post: Callable[[Message], object],
    *,
    exact_names: bool = False,
) -> None:
    """Run a load in this thread and post its results; `post` may be called from any thread.

    `logs` are files with log records, read after the traces; `query` returns the filter at the time a set arrives;
    `exact_names` makes every span name a separate operation.
    """
    reports: list[SearchReport] = []

    def part(traces: TraceSet) -> None:
        post(TraceSetArrived(*_select(replace(traces, exact_names=exact_names), query()), whole=False))

    try:
        traces = load.run(lambda progress: post(LoadProgressed(progress)), part, reports.append)
        traces = replace(_with_logs(traces, logs, lambda: not load.is_stopped), exact_names=exact_names)
        post(TraceSetArrived(*_select(traces, query()), whole=True, reports=reports))
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True))
    except InputError as error:
        post(LoadFailed(str(error), stopped=False))


def search_in_background(
    load: BackgroundLoad,
    running: RunningSearch,
    logs: Sequence[str],
    query: Callable[[], str],
    post: Callable[[Message], object],
    *,
    exact_names: bool = False,
) -> None:
    """Repeat a search of servers in this thread and post the results; parameters as in `load_in_background`."""
    reports: list[SearchReport] = []
    try:
        traces = load.again(
            running.search, lambda progress: post(LoadProgressed(progress)), reports.append, known_ns=running.known_ns
        )
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True, is_poll=running.is_poll))
        return
    except InputError as error:
        post(LoadFailed(str(error), stopped=False, is_poll=running.is_poll))
        return
    if traces is None:
        post(ServersUnchanged(reports, running.is_poll))
        return
    # read logs even if another request cuts a poll short, as its traces are shown and need their log records
    traces = _with_logs(traces, logs, lambda: load.can_ask_again and (running.is_poll or not load.is_stopped))
    traces = replace(traces, exact_names=exact_names)
    new = frozenset(trace for trace, text in enumerate(traces.trace_ids) if text not in running.loaded_ids)
    new_findings = NewFindings()
    if running.baseline_ids is not None:
        new_findings = find_new_findings(
            traces, np.array([text not in running.baseline_ids for text in traces.trace_ids], bool)
        )
    selected = _select(traces, query())
    post(
        TraceSetArrived(
            *selected, whole=True, reports=reports, new=new, new_findings=new_findings, is_poll=running.is_poll
        )
    )


def server_stats_in_background(
    load: BackgroundLoad,
    service: str,
    lookback_ns: int,
    analysis: Analysis,
    post: Callable[[Message], object],
) -> None:
    """Fetch server statistics of a service and of all calls, in this thread."""
    try:
        server_stats = load.server_stats([service], lookback_ns)
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True))
    except (InputError, OSError) as error:
        post(LoadFailed(str(error), stopped=False))
    else:
        # computed here because it is too slow for the UI loop
        _ = analysis.dependencies
        post(ServerStatsArrived(server_stats, analysis))


def newest_in_background(
    load: BackgroundLoad, services: Sequence[str], lookback_ns: int, post: Callable[[Message], object]
) -> None:
    """Find the start times of the services' newest traces on the servers, in this thread."""
    try:
        post(NewestFound(load.newest_starts(services, lookback_ns)))
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True, is_poll=True))
    except (InputError, OSError) as error:
        post(LoadFailed(str(error), stopped=False, is_poll=True))


def _select(traces: TraceSet, query: str) -> tuple[Session, str, np.ndarray, Analysis]:
    """Make a session over the set and apply the filter; an invalid filter is dropped."""
    session = Session(traces)
    try:
        shown, analysis = session.select(query)
    except UsageError:
        # the filter was saved by a version with a different query language
        query = ""
        shown, analysis = session.select(query)
    return session, query, shown, analysis


def _with_logs(traces: TraceSet, logs: Sequence[str], go_on: Callable[[], bool]) -> TraceSet:
    """Add log records to the traces. Unreadable logs become a warning."""
    try:
        return with_logs(traces, logs, go_on)
    except InputError as error:
        return replace(traces, load_warnings=[*traces.load_warnings, LoadWarning("", "", str(error))])
