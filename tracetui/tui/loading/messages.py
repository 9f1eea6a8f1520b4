"""Loading behind the screen: one load at a time, in a process of its own, that can be stopped."""

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
    """A set to show: partial, or complete (`whole`), filtered by `query`."""

    session: Session
    query: str
    shown: np.ndarray
    findings: Analysis
    whole: bool
    told: Sequence[SearchReport] = ()
    """Reports of the servers."""
    new: frozenset[int] = frozenset()
    """Traces that were not there before."""
    new_findings: NewFindings = field(default_factory=NewFindings)
    is_poll: bool = False
    """True for a poll, which the user has not asked for."""


@dataclass
class ServersUnchanged(Message):
    """Servers were searched again, and nothing has changed."""

    told: Sequence[SearchReport]
    is_poll: bool


@dataclass
class ServerStatsArrived(Message):
    """Server statistics, and the analysis to compare them with."""

    server_stats: ServerStats
    findings: Analysis


@dataclass
class NewestFound(Message):
    """When the newest traces of services began, in nanoseconds since the epoch; 0 for none."""

    starts: dict[str, int]


@dataclass
class LoadFailed(Message):
    """The load ended without traces; `stopped` by the user."""

    reason: str
    stopped: bool
    is_poll: bool = False


@dataclass(frozen=True, slots=True)
class SearchStarted:
    """A search of the servers has started."""

    search: Search
    known: frozenset[str]
    """Ids of the loaded traces."""
    watched: frozenset[str] | None
    """Ids of the traces that later ones are compared with; None while not following."""
    is_poll: bool
    known_ns: int = 0
    """Time before which older traces are asked for, where not all is sent at once; 0 for not at all."""


def load_in_background(
    load: BackgroundLoad,
    logs: Sequence[str],
    query: Callable[[], str],
    post: Callable[[Message], object],
    *,
    exact_names: bool = False,
) -> None:
    """Run a load in this thread and post its results; `post` takes messages from any thread.

    `logs` are files with log lines, which are read when all traces are here; `query` tells the filter that is wanted
    when a set is here; `exact_names` makes every name an operation of its own.
    """
    told: list[SearchReport] = []

    def part(traces: TraceSet) -> None:
        post(TraceSetArrived(*_filtered(replace(traces, exact_names=exact_names), query()), whole=False))

    try:
        traces = load.run(lambda progress: post(LoadProgressed(progress)), part, told.append)
        traces = replace(_with_logs(traces, logs, lambda: not load.is_stopped), exact_names=exact_names)
        post(TraceSetArrived(*_filtered(traces, query()), whole=True, told=told))
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True))
    except InputError as error:
        post(LoadFailed(str(error), stopped=False))


def ask_in_background(
    load: BackgroundLoad,
    asked: SearchStarted,
    logs: Sequence[str],
    query: Callable[[], str],
    post: Callable[[Message], object],
    *,
    exact_names: bool = False,
) -> None:
    """Search the servers of a load again, in this thread, and post the results, as `load_in_background` does."""
    told: list[SearchReport] = []
    try:
        traces = load.again(
            asked.search, lambda progress: post(LoadProgressed(progress)), told.append, known_ns=asked.known_ns
        )
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True, is_poll=asked.is_poll))
        return
    except InputError as error:
        post(LoadFailed(str(error), stopped=False, is_poll=asked.is_poll))
        return
    if traces is None:
        post(ServersUnchanged(told, asked.is_poll))
        return
    # who hurries a look for what is new wants no log line to be missing after it
    traces = _with_logs(traces, logs, lambda: load.can_ask_again and (asked.is_poll or not load.is_stopped))
    traces = replace(traces, exact_names=exact_names)
    new = frozenset(trace for trace, text in enumerate(traces.trace_ids) if text not in asked.known)
    found = NewFindings()
    if asked.watched is not None:
        found = find_new_findings(traces, np.array([text not in asked.watched for text in traces.trace_ids], bool))
    filtered = _filtered(traces, query())
    post(TraceSetArrived(*filtered, whole=True, told=told, new=new, new_findings=found, is_poll=asked.is_poll))


def server_stats_in_background(
    load: BackgroundLoad,
    service: str,
    lookback_ns: int,
    findings: Analysis,
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
        # what it is compared with takes its time, too
        _ = findings.dependencies
        post(ServerStatsArrived(server_stats, findings))


def newest_in_background(
    load: BackgroundLoad, services: Sequence[str], lookback_ns: int, post: Callable[[Message], object]
) -> None:
    """Have a load ask its servers when the newest traces of services began, in this thread."""
    try:
        post(NewestFound(load.newest_starts(services, lookback_ns)))
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True, is_poll=True))
    except (InputError, OSError) as error:
        post(LoadFailed(str(error), stopped=False, is_poll=True))


def _filtered(traces: TraceSet, query: str) -> tuple[Session, str, np.ndarray, Analysis]:
    """Session over the set, and the traces that a filter selects."""
    session = Session(traces)
    try:
        shown, findings = session.select(query)
    except UsageError:
        # remembered from another version of the language
        query = ""
        shown, findings = session.select(query)
    return session, query, shown, findings


def _with_logs(traces: TraceSet, logs: Sequence[str], go_on: Callable[[], bool]) -> TraceSet:
    """The traces with log lines; logs that cannot be read are warned of, and cost no trace."""
    try:
        return with_logs(traces, logs, go_on)
    except InputError as error:
        return replace(traces, load_warnings=[*traces.load_warnings, LoadWarning("", "", str(error))])
