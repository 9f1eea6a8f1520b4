"""Facts about single spans: rank by duration, causes, position among siblings; and the rank of a trace by duration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np

from tracetui.analysis.critical_path import CriticalPaths, critical_paths
from tracetui.analysis.error_messages import NO_MESSAGE, error_message
from tracetui.analysis.errors import ErrorRole, causes_of, roles
from tracetui.analysis.network import UNKNOWN, NetworkTimes, network_times
from tracetui.analysis.outcomes import Outcome, outcomes
from tracetui.analysis.self_time import self_times
from tracetui.analysis.skew import SKEWED, outside_callers
from tracetui.analysis.stats.groups import keyed, quantiles
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, slots=True)
class Rank:
    """Rank of a span by duration among the spans of its service and operation with a known duration."""

    n: int
    shorter: int
    """Number of shorter spans."""
    longer: int
    p50_ns: float
    p95_ns: float
    least_ns: int = 0
    most_ns: int = 0

    @property
    def slower_than_percent(self) -> float:
        """Percentage of the others that are shorter; 0 without others."""
        return 100 * self.shorter / (self.n - 1) if self.n > 1 else 0.0


class Ranks:
    """Ranks the spans of a set. The first call sorts the set, later ones are two searches each."""

    def __init__(self, traces: TraceSet) -> None:
        self._operation = traces.operation
        self._duration = traces.duration
        self._has_end = ~traces.no_duration

    @cached_property
    def _index(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sort the durations. -> durations by operation and size, the operations that occur, and the start of each"""
        distinct, number = np.unique(self._operation[self._has_end], return_inverse=True)
        durations = self._duration[self._has_end]
        (key,) = keyed(number, durations)
        order = np.argsort(key)
        first = np.searchsorted(number[order], np.arange(len(distinct) + 1))
        return durations[order], distinct, first

    def of(self, span: int) -> Rank:
        """Return the rank of the span at this position."""
        durations, distinct, first = self._index
        at = int(np.searchsorted(distinct, self._operation[span]))
        if at == len(distinct) or distinct[at] != self._operation[span]:
            return Rank(0, 0, 0, 0, 0)
        peer_values = durations[int(first[at]) : int(first[at + 1])]
        own = self._duration[span]
        shorter = int(np.searchsorted(peer_values, own))
        longer = len(peer_values) - int(np.searchsorted(peer_values, own, "right"))
        quantiles = (_quantile(peer_values, 0.5), _quantile(peer_values, 0.95))
        return Rank(len(peer_values), shorter, longer, *quantiles, int(peer_values[0]), int(peer_values[-1]))


_ranks: WeakKeyDictionary[TraceSet, Ranks] = WeakKeyDictionary()


def rank(traces: TraceSet, span: int) -> Rank:
    """Return the rank of a span of this set; the index is cached with the set."""
    known = _ranks.get(traces)
    if known is None:
        known = _ranks[traces] = Ranks(traces)
    return known.of(span)


def _quantile(ordered: np.ndarray, share: float) -> float:
    """Compute a quantile of sorted values with linear interpolation, as numpy does by default."""
    low, part = divmod((len(ordered) - 1) * share, 1)
    at = int(low)
    value = int(ordered[at])
    return value + part * (int(ordered[at + 1]) - value) if part else float(value)


_NAMED_CAUSES = 3
_NAMED_CALLS = 3


@dataclass(frozen=True, slots=True)
class SpanNetwork:
    """Network time of one call, in nanoseconds."""

    callee: str
    """Service that is called, or receives the message."""
    total_ns: int
    split_ns: tuple[int, int] | None
    """Time until the callee began and after it ended; None where the clocks of the hosts differ."""
    is_async: bool
    """True for a message: its network time is the queue time."""


@dataclass(frozen=True, slots=True)
class Waited:
    """Calls of one operation that a span waited for."""

    service: str
    operation: str
    count: int
    ns: int
    """Time on the critical path in these calls and below them, in nanoseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanFacts:
    """Analysis results for one span. Times are nanoseconds."""

    rank: Rank
    self_ns: int
    critical_ns: int
    """Time on the critical path without its callees."""
    trace_start_ns: int
    trace_duration_ns: int
    trace_path_ns: int
    """Length of the trace's critical path."""
    is_async: bool
    """True for asynchronous work, for which no request waits."""
    role: ErrorRole
    outcome: Outcome = Outcome.NONE
    """For an origin, the outcome of the request."""
    cause_count: int = 0
    """For a propagated error, the number of error origins below that caused it (see `analysis.errors.causes_of`)."""
    caused_by: tuple[tuple[str, str, str], ...] = ()
    """Service, operation and message of the first few of them, those with a message first."""
    via: tuple[str, ...] = ()
    """Operations of the errors between a single origin and the span, from the origin upwards."""
    skew_ns: int = 0
    """With clock skew, the time from its caller's end to its start, or, negative, from its caller's start to it."""
    message: str
    """Message of an error span; '' for others."""
    position: int
    """Position among the siblings by start, from 1."""
    siblings: int
    """Number of siblings, itself included."""
    same_operation: int
    """Number of siblings with its service and operation, itself included."""
    parent: tuple[str, str] | None
    """Service and operation of its parent; None for a root."""
    children: int
    below: int
    """Number of spans in its subtree, without itself."""
    network: SpanNetwork | None = None
    """For a span that calls a service, the time between the two."""
    waited_for: tuple[Waited, ...] = ()
    """Child operations with a part in the critical path, longest first."""


class FactFinder:
    """Computes facts about the spans of a set. The first call for a trace is the expensive one."""

    def __init__(self, traces: TraceSet) -> None:
        self.traces = traces
        self._lock = Lock()
        self._trace = -1
        self._one_trace = traces
        self._self = self._roles = self._outcomes = np.zeros(0, np.int64)
        self._awaited = np.zeros(1, np.int64)
        """int64[spans + 1], critical time of the spans of the trace before each, without asynchronous work."""
        self._paths: CriticalPaths | None = None
        self._network: NetworkTimes | None = None
        self._outside = np.zeros(0, np.uint8)
        self._ranked = False

    def is_quick(self, span: int, spans: int = 20_000) -> bool:
        """Test whether `facts` takes no longer than for a set of this many spans."""
        trace = int(self.traces.trace[span])
        ranked = self._ranked or len(self.traces) <= spans
        return ranked and (trace == self._trace or len(self.traces.spans_of(trace)) <= spans)

    def facts(self, span: int) -> SpanFacts:
        """Compute the facts about the span at this position. Thread-safe."""
        traces = self.traces
        trace = int(traces.trace[span])
        with self._lock:
            if trace != self._trace:
                self._analyse(trace)
            ranked = rank(traces, span)
            self._ranked = True
            at = span - int(traces.first[trace])
            assert self._paths is not None
            assert self._network is not None
            network = _span_network(self._one_trace, self._network, at)
            awaited = self._awaited
            own, role, paths = int(self._self[at]), ErrorRole(int(self._roles[at])), self._paths
            outcome = Outcome(int(self._outcomes[at]))
            causes = causes_of(self._one_trace, at) if role in (ErrorRole.PROPAGATED, ErrorRole.CANCELLED) else []
            caused_by = self._origins(causes)
        first = int(traces.first[trace])
        parent = int(traces.parent[span])
        within = slice(int(traces.first[trace]), int(traces.first[trace + 1]))
        siblings = within.start + np.flatnonzero(traces.parent[within] == parent)
        children = within.start + np.flatnonzero(traces.parent[within] == span)
        return SpanFacts(
            rank=ranked,
            self_ns=own,
            critical_ns=int(paths.critical[at]),
            trace_start_ns=int(traces.trace_start[trace]),
            trace_duration_ns=int(traces.trace_duration[trace]),
            trace_path_ns=int(paths.trace_critical[0]),
            is_async=bool(paths.asynchronous[at]),
            role=role,
            outcome=outcome,
            cause_count=len(caused_by),
            caused_by=tuple(
                (traces.service_name(one), traces.operation_name(one), error_message(traces, one))
                for one in (first + below for below in caused_by[:_NAMED_CAUSES])
            ),
            via=_way_up(traces, caused_by[0] + first, [first + one for one in causes]) if len(caused_by) == 1 else (),
            message=error_message(traces, span) if role else "",
            skew_ns=_skew(traces, span) if self._outside[at] == SKEWED else 0,
            position=int(np.searchsorted(siblings, span)) + 1,
            siblings=len(siblings),
            same_operation=int((traces.operation[siblings] == traces.operation[span]).sum()),
            parent=(traces.service_name(parent), traces.operation_name(parent)) if parent >= 0 else None,
            children=len(children),
            below=int(traces.subtree_end[span]) - span - 1,
            network=network,
            waited_for=_waited_for(traces, children, awaited, first),
        )

    def _origins(self, causes: list[int]) -> list[int]:
        """Return the error origins among the causes, those with a message first; without origins all causes."""
        origins = [one for one in causes if self._roles[one] == ErrorRole.ORIGIN] or causes
        return sorted(origins, key=lambda one: error_message(self._one_trace, one) in ("", NO_MESSAGE))

    def _analyse(self, trace: int) -> None:
        self._one_trace = one = self.traces.select(np.array([trace]))
        self._self = self_times(one)
        self._paths = paths = critical_paths(one)
        self._awaited = np.concatenate(([0], np.cumsum(np.where(paths.asynchronous, 0, paths.critical))))
        self._roles, self._outcomes = roles(one), outcomes(one)
        self._network = network_times(one)
        self._outside = outside_callers(one, 0)
        self._trace = trace


def _skew(traces: TraceSet, span: int) -> int:
    parent = int(traces.parent[span])
    before = int(traces.start[span] - traces.start[parent])
    return before if before < 0 else int(traces.start[span] - traces.reached_end[parent])


def _way_up(traces: TraceSet, origin: int, causes: list[int]) -> tuple[str, ...]:
    """Return the operations of the causes above an origin, from there upwards."""
    above = [one for one in causes if one < origin < int(traces.subtree_end[one])]
    return tuple(traces.operation_name(one) for one in sorted(above, reverse=True))


def _waited_for(traces: TraceSet, children: np.ndarray, awaited: np.ndarray, first: int) -> tuple[Waited, ...]:
    """Sum the critical time of children (int64[m]) and of the spans below them by operation, the longest few first.

    awaited: int64[spans + 1], the critical time before each span of the trace, whose spans begin at `first`.
    """
    if not len(children):
        return ()
    times = awaited[traces.subtree_end[children] - first] - awaited[children - first]
    operations, number = np.unique(traces.operation[children[times > 0]], return_inverse=True)
    sums = np.bincount(number, times[times > 0], minlength=len(operations))
    counts = np.bincount(number, minlength=len(operations))
    longest = np.argsort(-sums, kind="stable")[:_NAMED_CALLS]
    return tuple(
        Waited(*traces.operation_label(int(operations[at])), int(counts[at]), int(sums[at])) for at in longest.tolist()
    )


def _span_network(traces: TraceSet, found: NetworkTimes, span: int) -> SpanNetwork | None:
    row = found.of(span)
    if row is None:
        return None
    before, after = int(found.before[row]), int(found.after[row])
    return SpanNetwork(
        traces.service_name(int(found.answer[row])),
        int(found.total[row]),
        None if UNKNOWN in (before, after) else (before, after),
        bool(found.is_async[row]),
    )


def trace_rank(traces: TraceSet, trace: int) -> Rank:
    """Compute the rank of a trace among its peers: the traces with its root service and operation, itself included."""
    operation = traces.operation[traces.main_root]
    peer_values = traces.response_time[operation == operation[trace]]
    own = traces.response_time[trace]
    p50, p95 = quantiles(peer_values, (0.5, 0.95))
    return Rank(len(peer_values), int(np.sum(peer_values < own)), int(np.sum(peer_values > own)), p50, p95)
