"""Who calls whom: services, the peers inferred from their calls, and the calls between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.calls import Calls, find_calls
from tracetui.analysis.groups import group_quantiles, group_slices
from tracetui.model.peers import PeerType
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet

_SHARES = (0.0, 0.5, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """A service's entry spans (those that begin its part of a trace), or an inferred peer's client spans."""

    service: str
    inferred: bool
    call_count: int
    error_count: int
    mean_ns: float
    p50_ns: float
    p95_ns: float
    p99_ns: float
    peer_type: PeerType | None = None
    """What sort of thing an inferred peer is; None for a service."""
    least_ns: float = 0.0
    most_ns: float = 0.0
    """The range of the durations, which stands for percentiles of few calls."""

    @property
    def error_rate(self) -> float:
        """In percent of the calls."""
        return 100 * self.error_count / self.call_count if self.call_count else 0.0


@dataclass(frozen=True, slots=True)
class Edge:
    """Calls from one service to another. Latency is the callee's; for an inferred peer the client span's."""

    caller: str
    callee: str
    is_async: bool
    inferred: bool
    call_count: int
    error_count: int
    """Calls of which either half is an error."""
    p50_ns: float
    p95_ns: float
    p99_ns: float
    caller_p50_ns: float | None
    """The median of the caller's own spans of the calls; None where no call has one."""
    network_p50_ns: float | None
    """The median of what the caller waited beyond the callee's own time: network and queueing. None where no
    synchronous call has both halves.
    """
    least_ns: float = 0.0
    most_ns: float = 0.0
    """The range of the latencies, which stands for percentiles of few calls."""

    @property
    def error_rate(self) -> float:
        """In percent of the calls."""
        return 100 * self.error_count / self.call_count if self.call_count else 0.0


@dataclass(frozen=True, slots=True)
class Dependencies:
    services: tuple[ServiceFigures, ...]
    """By name."""
    edges: tuple[Edge, ...]
    """By caller, callee, sync before async."""


def self_calls(traces: TraceSet) -> np.ndarray:
    """int64[services], how often each called itself: a CLIENT or PRODUCER span with a SERVER or CONSUMER span of the
    same service beneath it. They are no edges.
    """
    kind, caller = traces.kind, traces.parent
    served = (caller >= 0) & ((kind == Kind.SERVER) | (kind == Kind.CONSUMER))
    served &= (kind[caller] == Kind.CLIENT) | (kind[caller] == Kind.PRODUCER)
    served &= traces.service == traces.service[caller]
    counts: np.ndarray = np.bincount(traces.service[served], minlength=len(traces.services))
    return counts


def find_dependencies(traces: TraceSet, calls: Calls | None = None) -> Dependencies:
    """The figures of every service and of every edge between them."""
    calls = calls or find_calls(traces)
    return Dependencies(tuple(_services(traces, calls)), tuple(_edges(traces, calls)))


def _services(traces: TraceSet, calls: Calls) -> list[ServiceFigures]:
    to_peer = calls.callee >= calls.first_peer
    spans = np.concatenate((calls.entries, calls.span[to_peer]))
    nodes = np.concatenate((traces.service[calls.entries], calls.callee[to_peer]))
    order, distinct, first = group_slices(nodes)
    figures = [
        # nobody was seen to call a peer that only calls
        ServiceFigures(calls.nodes[node], True, 0, 0, 0.0, 0.0, 0.0, 0.0, calls.peer_type(node))
        for node in np.setdiff1d(calls.caller, distinct).tolist()
    ]
    if len(distinct):
        spans = spans[order]
        errors = np.add.reduceat(traces.error[spans].astype(np.int64), first[:-1])
        columns = (distinct, np.diff(first), errors, *_durations(traces, spans, first))
        figures += [
            ServiceFigures(
                calls.nodes[node],
                node >= calls.first_peer,
                count,
                failed,
                *(mean, p50, p95, p99),
                calls.peer_type(node),
                least,
                most,
            )
            for node, count, failed, mean, least, p50, p95, p99, most in zip(
                *(c.tolist() for c in columns), strict=True
            )
        ]
    return sorted(figures, key=lambda f: f.service)


def _edges(traces: TraceSet, calls: Calls) -> list[Edge]:
    number = (calls.caller.astype(np.int64) * len(calls.nodes) + calls.callee) * 2 + calls.is_async
    order, distinct, first = group_slices(number)
    if not len(distinct):
        return []
    span = calls.span[order]
    failed = np.add.reduceat(calls.error[order].astype(np.int64), first[:-1])
    _, *quantiles = _durations(traces, span, first)
    half = calls.half[order]
    seen = (half >= 0) & ~traces.no_duration[half]
    waited = _medians(traces.duration[half], seen, first)
    # a message waits for its consumer: what lies between is no time of a network
    both = seen & (half != span) & ~calls.is_async[order] & ~traces.no_duration[span]
    network = _medians(traces.duration[half] - traces.duration[span], both, first)
    columns = (distinct, np.diff(first), failed, *quantiles)
    edges: list[Edge] = []
    for edge, count, errors, least, p50, p95, p99, most in zip(*(c.tolist() for c in columns), strict=True):
        row = len(edges)
        pair, is_async = divmod(edge, 2)
        caller, callee = divmod(pair, len(calls.nodes))
        inferred = callee >= calls.first_peer
        pair_names = (calls.nodes[caller], calls.nodes[callee])
        halves = (waited[row], network[row])
        edges.append(Edge(*pair_names, bool(is_async), inferred, count, errors, p50, p95, p99, *halves, least, most))
    return sorted(edges, key=lambda e: (e.caller, e.callee, e.is_async))


def _durations(traces: TraceSet, spans: np.ndarray, first: np.ndarray) -> np.ndarray:
    """float64[1 + shares, groups]: mean and quantiles of the durations of each group, `spans[first[g]:first[g + 1]]`.

    A span without an end has no duration and takes no part; a group of such spans alone has zeros.
    """
    found = np.zeros((1 + len(_SHARES), len(first) - 1))
    known = ~traces.no_duration[spans]
    begins = np.concatenate(([0], np.cumsum(known)))[first]
    there = np.flatnonzero(np.diff(begins) > 0)
    if len(there):
        durations = traces.duration[spans[known]]
        bounds = np.append(begins[there], begins[-1])
        found[0, there] = np.add.reduceat(durations, bounds[:-1], dtype=np.float64) / np.diff(bounds)
        found[1:, there] = group_quantiles(durations, bounds, _SHARES)
    return found


def _medians(values: np.ndarray, known: np.ndarray, first: np.ndarray) -> list[float | None]:
    """The median of each group's known values, None for a group without any. Groups are `first[g]:first[g + 1]`."""
    before = np.concatenate(([0], np.cumsum(known)))
    begins = before[first]
    there = np.flatnonzero(np.diff(begins) > 0)
    medians: list[float | None] = [None] * (len(first) - 1)
    if len(there):
        (found,) = group_quantiles(values[known], np.append(begins[there], begins[-1]), (0.5,))
        for group, median in zip(there.tolist(), found.tolist(), strict=True):
            medians[group] = median
    return medians
