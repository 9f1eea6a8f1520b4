"""Loading behind the screen: one load at a time, in a process of its own, that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from textual.message import Message

from tracetui.analysis.findings import Findings
from tracetui.analysis.watch import News, news
from tracetui.ingest.asked import Told
from tracetui.ingest.background import BackgroundLoad, LoadCancelledError
from tracetui.ingest.load import Progress
from tracetui.ingest.logs import with_logs
from tracetui.model.opinion import Opinion
from tracetui.model.problems import InputError, LoadWarning, UsageError
from tracetui.model.search import Search
from tracetui.model.traces import TraceSet
from tracetui.session import Session


@dataclass
class LoadProgress(Message):
    """How far the load is."""

    progress: Progress

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LoadProgress)


@dataclass
class Arrived(Message):
    """A set to show: what is here so far, or all of it (`whole`), filtered by `query`."""

    session: Session
    query: str
    shown: np.ndarray
    findings: Findings
    whole: bool
    told: Sequence[Told] = ()
    """What servers were asked for, and what came of it."""
    new: frozenset[int] = frozenset()
    """Traces that were not there before."""
    news: News = field(default_factory=News)
    is_poll: bool = False
    """Whether nobody has asked for it now."""


@dataclass
class Unchanged(Message):
    """Servers were asked again, and nothing is other than it was."""

    told: Sequence[Told]
    is_poll: bool


@dataclass
class Opined(Message):
    """What servers themselves say, and the findings to compare it with."""

    opinion: Opinion
    findings: Findings


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
class Asked:
    """What servers are asked again for."""

    search: Search
    known: frozenset[str]
    """Ids of the traces that are here."""
    watched: frozenset[str] | None
    """Ids of the traces that later ones are told from; None where nobody watches."""
    is_poll: bool
    known_ns: int = 0
    """Where not all is sent at once: until when to ask for older ones; 0 for not at all."""


def load_in_background(
    load: BackgroundLoad,
    logs: Sequence[str],
    query: Callable[[], str],
    post: Callable[[Message], object],
    *,
    exact_names: bool = False,
) -> None:
    """Run a load in this thread and post what becomes of it; `post` takes messages from any thread.

    `logs` are files with log lines, which are read when all traces are here; `query` tells the filter that is wanted
    when a set is here; `exact_names` makes every name an operation of its own.
    """
    told: list[Told] = []

    def part(traces: TraceSet) -> None:
        post(Arrived(*_filtered(replace(traces, exact_names=exact_names), query()), whole=False))

    try:
        traces = load.run(lambda progress: post(LoadProgress(progress)), part, told.append)
        traces = replace(_with_logs(traces, logs, lambda: not load.is_stopped), exact_names=exact_names)
        post(Arrived(*_filtered(traces, query()), whole=True, told=told))
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True))
    except InputError as error:
        post(LoadFailed(str(error), stopped=False))


def ask_in_background(
    load: BackgroundLoad,
    asked: Asked,
    logs: Sequence[str],
    query: Callable[[], str],
    post: Callable[[Message], object],
    *,
    exact_names: bool = False,
) -> None:
    """Have a load ask its servers again, in this thread, and post what becomes of it, as `load_in_background` does."""
    told: list[Told] = []
    try:
        traces = load.again(
            asked.search, lambda progress: post(LoadProgress(progress)), told.append, known_ns=asked.known_ns
        )
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True, is_poll=asked.is_poll))
        return
    except InputError as error:
        post(LoadFailed(str(error), stopped=False, is_poll=asked.is_poll))
        return
    if traces is None:
        post(Unchanged(told, asked.is_poll))
        return
    # who hurries a look for what is new wants no log line to be missing after it
    traces = _with_logs(traces, logs, lambda: load.can_ask_again and (asked.is_poll or not load.is_stopped))
    traces = replace(traces, exact_names=exact_names)
    new = frozenset(trace for trace, text in enumerate(traces.trace_ids) if text not in asked.known)
    found = News()
    if asked.watched is not None:
        found = news(traces, np.array([text not in asked.watched for text in traces.trace_ids], bool))
    filtered = _filtered(traces, query())
    post(Arrived(*filtered, whole=True, told=told, new=new, news=found, is_poll=asked.is_poll))


def opinion_in_background(
    load: BackgroundLoad,
    service: str,
    lookback_ns: int,
    findings: Findings,
    post: Callable[[Message], object],
) -> None:
    """Have a load ask its servers what they themselves say of a service and of all calls, in this thread."""
    try:
        opinion = load.opinion([service], lookback_ns)
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True))
    except (InputError, OSError) as error:
        post(LoadFailed(str(error), stopped=False))
    else:
        # what it is compared with takes its time, too
        _ = findings.dependencies
        post(Opined(opinion, findings))


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


def _filtered(traces: TraceSet, query: str) -> tuple[Session, str, np.ndarray, Findings]:
    """The set as a session, and what a filter selects of it."""
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
