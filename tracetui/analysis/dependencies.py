"""Who calls whom: services, the peers inferred from their calls, and the calls between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.groups import group_quantiles, group_slices
from tracetui.model.ids import span_keys
from tracetui.model.peers import peer_name
from tracetui.model.span import Kind, Mark
from tracetui.model.span_index import SpanIndex
from tracetui.model.traces import TraceSet

_SHARES = (0.5, 0.95, 0.99)


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
    caller_p50_ns: float
    """The median of the caller's own span of the call: the difference is network and queueing."""

    @property
    def error_rate(self) -> float:
        """In percent of the calls."""
        return 100 * self.error_count / self.call_count if self.call_count else 0.0


@dataclass(frozen=True, eq=False)
class Calls:
    """Every call of a trace set, one row each. `caller` and `callee` index `nodes`."""

    nodes: list[str]
    """The services of the set, then the inferred peers."""
    first_peer: int
    caller: np.ndarray
    callee: np.ndarray
    span: np.ndarray
    """The callee's entry span; for an inferred peer the client span."""
    caller_span: np.ndarray
    is_async: np.ndarray
    peer: np.ndarray
    """int32[n] per span: the inferred peer's node, -1 for none."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    services: tuple[ServiceFigures, ...]
    """By name."""
    edges: tuple[Edge, ...]
    """By caller, callee, sync before async."""


def find_calls(traces: TraceSet) -> Calls:
    """Find the calls between services.

    A call is an entry span of a service whose parent is in another service, or a CLIENT or PRODUCER span that no span
    of another service answers and that names what it called. Calls within a service are none.
    """
    service = traces.service
    entry = np.flatnonzero((traces.parent >= 0) & (service != service[traces.parent]))
    caller_span = traces.parent[entry]
    is_async = (traces.kind[caller_span] == Kind.PRODUCER) & (traces.kind[entry] == Kind.CONSUMER)
    is_async |= (traces.marks[entry] & int(Mark.FOLLOWS_FROM)) > 0
    linked, linking = _linked(traces)
    answered = np.zeros(len(traces), bool)
    answered[caller_span] = True
    answered[linked] = True
    peer, names = _peers(traces, answered)
    called = np.flatnonzero(peer >= 0)
    return Calls(
        nodes=[*traces.services, *names],
        first_peer=len(traces.services),
        caller=np.concatenate((service[caller_span], service[linked], service[called])),
        callee=np.concatenate((service[entry], service[linking], peer[called])),
        span=np.concatenate((entry, linking, called)),
        caller_span=np.concatenate((caller_span, linked, called)),
        is_async=np.concatenate((is_async, np.ones(len(linked), bool), traces.kind[called] == Kind.PRODUCER)),
        peer=peer,
    )


def _linked(traces: TraceSet) -> tuple[np.ndarray, np.ndarray]:
    """Calls by link: a CONSUMER that points to a span of another service, which is not its parent."""
    candidates = np.flatnonzero((traces.link_bytes > 0) & (traces.kind == Kind.CONSUMER))
    spans, wanted_traces, ids = [], [], []
    for span in candidates.tolist():
        for link in traces.links(span):
            trace = traces.find_trace(link.trace_id) if link.trace_id else int(traces.trace[span])
            if trace is not None:
                spans.append(span)
                wanted_traces.append(trace)
                ids.append(link.span_id)
    nothing = np.zeros(0, np.int64)
    if not spans:
        return nothing, nothing
    found = SpanIndex(traces.trace, traces.key).find(np.array(wanted_traces), span_keys(ids)[0])
    linking = np.array(spans)
    calls = (found >= 0) & (found != traces.parent[linking]) & (traces.service[found] != traces.service[linking])
    return found[calls], linking[calls]


def _peers(traces: TraceSet, answered: np.ndarray) -> tuple[np.ndarray, list[str]]:
    outgoing = (traces.kind == Kind.CLIENT) | (traces.kind == Kind.PRODUCER)
    leaf = traces.subtree_end == np.arange(1, len(traces) + 1)
    unknown = (traces.kind == Kind.UNSPECIFIED) | (traces.kind == Kind.INTERNAL)
    peer = np.full(len(traces), -1, np.int32)
    # a set that was filtered may name services that have no span left in it: who calls those calls a peer
    known = {traces.services[number]: number for number in np.unique(traces.service).tolist()}
    names: list[str] = []

    def number_of(name: str) -> int:
        number = known.get(name)
        if number is None:
            number = known[name] = len(traces.services) + len(names)
            names.append(name)
        return number

    wraps_call = np.zeros(len(traces), bool)
    wraps_call[traces.parent[(traces.parent >= 0) & outgoing]] = True
    candidates = np.flatnonzero(~answered & ((outgoing & ~wraps_call) | (unknown & leaf)))
    is_noted = (traces.noted_peer[candidates] > 0) & outgoing[candidates]
    noted, candidates = candidates[is_noted], candidates[~is_noted]
    numbers = np.full(len(traces.peers), -1, np.int32)
    for one in np.unique(traces.noted_peer[noted]).tolist():
        numbers[one] = number_of(traces.peers[one])
    called = numbers[traces.noted_peer[noted]]
    peer[noted] = np.where(called == traces.service[noted], -1, called)
    read, resources = traces.arena.read, traces.resources
    columns = (traces.kind, traces.service, traces.resource, traces.raw_at, traces.attribute_bytes)
    for span, kind, service, resource, at, size in zip(
        candidates.tolist(), *(column[candidates].tolist() for column in columns), strict=True
    ):
        raw = read(at, size)
        if kind not in (Kind.CLIENT, Kind.PRODUCER) and b"db." not in raw:
            continue
        name = peer_name(kind, resources[resource].codec.attributes(raw))
        if name is None:
            continue
        number = number_of(name)
        if number != service:
            peer[span] = number
    return peer, names


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
    service = traces.service
    own = np.flatnonzero((traces.parent < 0) | (service != service[traces.parent]))
    to_peer = calls.callee >= calls.first_peer
    spans = np.concatenate((own, calls.span[to_peer]))
    nodes = np.concatenate((service[own], calls.callee[to_peer]))
    order, distinct, first = group_slices(nodes)
    if not len(distinct):
        return []
    spans = spans[order]
    durations = traces.duration[spans]
    counts = np.diff(first)
    errors = np.add.reduceat(traces.error[spans].astype(np.int64), first[:-1])
    sums = np.add.reduceat(durations, first[:-1], dtype=np.float64)
    columns = (distinct, counts, errors, sums / counts, *group_quantiles(durations, first, _SHARES))
    figures = [
        ServiceFigures(calls.nodes[node], node >= calls.first_peer, count, failed, mean, p50, p95, p99)
        for node, count, failed, mean, p50, p95, p99 in zip(*(c.tolist() for c in columns), strict=True)
    ]
    return sorted(figures, key=lambda f: f.service)


def _edges(traces: TraceSet, calls: Calls) -> list[Edge]:
    number = (calls.caller.astype(np.int64) * len(calls.nodes) + calls.callee) * 2 + calls.is_async
    order, distinct, first = group_slices(number)
    if not len(distinct):
        return []
    span, caller_span = calls.span[order], calls.caller_span[order]
    failed = np.add.reduceat((traces.error[span] | traces.error[caller_span]).astype(np.int64), first[:-1])
    quantiles = group_quantiles(traces.duration[span], first, _SHARES)
    (waited,) = group_quantiles(traces.duration[caller_span], first, (0.5,))
    columns = (distinct, np.diff(first), failed, *quantiles, waited)
    edges = []
    for edge, count, errors, p50, p95, p99, caller_p50 in zip(*(c.tolist() for c in columns), strict=True):
        pair, is_async = divmod(edge, 2)
        caller, callee = divmod(pair, len(calls.nodes))
        inferred = callee >= calls.first_peer
        pair_names = (calls.nodes[caller], calls.nodes[callee])
        edges.append(Edge(*pair_names, bool(is_async), inferred, count, errors, p50, p95, p99, caller_p50))
    return sorted(edges, key=lambda e: (e.caller, e.callee, e.is_async))
