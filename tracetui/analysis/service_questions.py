"""Smaller queries about services: neighbours, shared dependencies, comparison of callers, text search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.calls import Calls
from tracetui.analysis.dependencies import EdgeNetwork
from tracetui.analysis.latency import Latency, latency
from tracetui.analysis.network import network_by_call, network_times
from tracetui.analysis.reach import Reach, led_to, reach
from tracetui.analysis.service_graph import Distance, ServiceGraph, Target
from tracetui.analysis.span_search import find_spans
from tracetui.analysis.stats.groups import group_positions, quantiles
from tracetui.model.peers import PeerType
from tracetui.model.traces import TraceSet

_MAX_EXAMINED = 200
"""Largest number of spans of a service whose attributes are read to describe a match."""
_KINDS_OF_MATCH = ("service", "type", "operation", "attribute")
_PLURALS = {type_: f"{type_}s" for type_ in PeerType}
_MAX_LISTED = 5
"""Largest number of matches listed per service and type."""


@dataclass(frozen=True, slots=True)
class SharedDependency:
    """Dependency that several services share, with the hops from each."""

    service: str
    hops: tuple[int, ...]
    """In the order of the given services; 0 if the dependency is that service itself."""


def shared_dependencies(graph: ServiceGraph, names: Sequence[str]) -> list[SharedDependency]:
    """Find the dependencies that all of these services reach, by total hops."""
    reached = [{name: Distance(0, True), **graph.callees(name)} for name in names]
    common = set.intersection(*(set(found) for found in reached)) if reached else set()
    found = [SharedDependency(name, tuple(one[name].hops for one in reached)) for name in common]
    return sorted(found, key=lambda shared: (sum(shared.hops), shared.service))


def calls_on_shortest_paths(graph: ServiceGraph, begin: str, ends: Iterable[str]) -> set[tuple[str, str]]:
    """Find the calls (caller, callee) on all shortest paths from a service to others."""
    hops = {begin: 0, **{name: distance.hops for name, distance in graph.callees(begin).items()}}
    waiting = [end for end in ends if end in hops]
    seen, found = set(waiting), set()
    while waiting:
        callee = waiting.pop()
        for caller in graph.graph.predecessors(callee):
            if caller in hops and hops[caller] == hops[callee] - 1:
                found.add((caller, callee))
                if caller not in seen:
                    seen.add(caller)
                    waiting.append(caller)
    return found


@dataclass(frozen=True, slots=True)
class CallerDifference:
    """Difference between the callers of two services; names are sorted. Indirect callers exclude direct ones."""

    only_a: tuple[str, ...]
    both: tuple[str, ...]
    only_b: tuple[str, ...]
    indirect_only_a: tuple[str, ...]
    indirect_both: tuple[str, ...]
    indirect_only_b: tuple[str, ...]


def caller_difference(graph: ServiceGraph, a: str, b: str) -> CallerDifference:
    """Compare the callers of two services."""
    of_a, of_b = graph.callers(a), graph.callers(b)
    direct_a, direct_b = ({n for n, d in of.items() if d.hops == 1} for of in (of_a, of_b))
    indirect_a, indirect_b = set(of_a) - direct_a, set(of_b) - direct_b
    return CallerDifference(
        *(tuple(sorted(names)) for names in (direct_a - direct_b, direct_a & direct_b, direct_b - direct_a)),
        *(
            tuple(sorted(names))
            for names in (indirect_a - indirect_b, indirect_a & indirect_b, indirect_b - indirect_a)
        ),
    )


@dataclass(frozen=True, slots=True)
class TypedPeer:
    """Inferred peer of a requested type."""

    service: str
    type: PeerType
    hops: int
    """Hops from the given service; 0 without one."""
    calls: int
    """Number of calls from the given service if it calls the peer directly, else of all calls to the peer."""
    error_rate: float
    """Errors in percent of those calls."""
    latency: Latency
    callers: tuple[str, ...]
    """Direct callers, by name."""


def peers_of_type(graph: ServiceGraph, type_: PeerType, service: str | None = None) -> list[TypedPeer]:
    """Find the peers of a type, all or those that a service reaches: nearest first, then most calls."""
    of_type = {name: figures for name, figures in graph.figures.items() if figures.peer_type is type_}
    if service is None:
        rows = [(name, 0, one.call_count, one.error_rate, one.latency) for name, one in of_type.items()]
    else:
        around = neighbours(graph, Target(service), upstream=False)
        rows = [(n.service, n.distance.hops, n.calls, n.error_rate, n.latency) for n in around if n.service in of_type]
    found = [
        TypedPeer(name, type_, hops, calls, rate, times, tuple(sorted(graph.graph.predecessors(name))))
        for name, hops, calls, rate, times in rows
    ]
    return sorted(found, key=lambda one: (one.hops, -one.calls, one.service))


@dataclass(frozen=True, slots=True)
class WordMatch:
    """Match in a service. `what` is "service", "type" (of an inferred peer; it must match whole), "operation" or
    "attribute".
    """

    what: str
    value: str
    count: int
    """Number of matching spans; for attributes among the first 200 of the service that contain the word."""


@dataclass(frozen=True, slots=True)
class FoundService:
    """Service or peer that a word matches."""

    service: str
    matched: tuple[WordMatch, ...]


def find_services(graph: ServiceGraph, word: str) -> list[FoundService]:
    """Find the services and peers that match a word: first by name, then by type, operation and attributes."""
    traces, lowered = graph.traces, word.lower()
    matched: dict[str, list[WordMatch]] = {}
    for name in graph.names:
        if lowered in name.lower():
            matched.setdefault(name, []).append(WordMatch("service", name, graph.figures[name].call_count))
        type_ = graph.figures[name].peer_type
        if type_ and lowered in (type_, _PLURALS[type_]):
            matched.setdefault(name, []).append(WordMatch("type", type_, graph.figures[name].call_count))
    holding = np.array([lowered in name.lower() for name in traces.names], bool)
    of_word = np.flatnonzero(holding[traces.name])
    pairs, counts = np.unique(traces.operation[of_word], return_counts=True)
    for at in np.argsort(-counts, kind="stable").tolist():
        service, operation = traces.operation_label(int(pairs[at]))
        matched.setdefault(service, []).append(WordMatch("operation", operation, int(counts[at])))
    found = find_spans(traces, 0, len(traces), word)
    assert found is not None
    rest = np.flatnonzero(found & ~holding[traces.name])
    for service, values in _attributes(traces, rest, lowered).items():
        matched.setdefault(service, []).extend(values)
    services = [FoundService(name, tuple(_first_of_each_kind(found))) for name, found in matched.items()]
    return sorted(
        services,
        key=lambda one: (_KINDS_OF_MATCH.index(one.matched[0].what), -sum(m.count for m in one.matched), one.service),
    )


def _first_of_each_kind(found: Sequence[WordMatch]) -> list[WordMatch]:
    """Select the most frequent matches of each kind, sorted by kind."""
    kept: Counter[str] = Counter()
    few = []
    for match in sorted(found, key=lambda match: (_KINDS_OF_MATCH.index(match.what), -match.count, match.value)):
        kept[match.what] += 1
        if kept[match.what] <= _MAX_LISTED:
            few.append(match)
    return few


def _attributes(traces: TraceSet, spans: np.ndarray, lowered: str) -> dict[str, list[WordMatch]]:
    found: dict[str, list[WordMatch]] = {}
    for number, at in group_positions(traces.service[spans]):
        own = spans[at]
        seen: Counter[str] = Counter()
        for span in own[:_MAX_EXAMINED].tolist():
            attributes = {**traces.resource_attributes(span), **traces.attributes(span)}
            texts = (f"{key}={value!s}" for key, value in attributes.items() if key != "service.name")
            seen.update(text for text in texts if lowered in text.lower())
        values = [WordMatch("attribute", text, count) for text, count in seen.most_common()]
        if values:
            found[traces.services[number]] = values
    return found


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Caller or callee of the queried service."""

    service: str
    distance: Distance
    calls: int
    """Number of calls: for direct neighbours those between the two (of the operation, if given), for others all calls
    that the service receives.
    """
    error_rate: float
    """Errors in percent of those calls."""
    latency: Latency
    is_async: bool
    """True if no synchronous chain leads there."""
    inferred: bool
    peer_type: PeerType | None = None
    """Type of an inferred peer; None for a service."""
    network: EdgeNetwork | None = None
    """Network time of the synchronous calls between the two; None for indirect neighbours, or if it is unknown."""


def neighbours(graph: ServiceGraph, target: Target, *, upstream: bool) -> list[Neighbour]:
    """Find the callers or callees of a target: nearest first, then most calls."""
    seen = reach(graph, target) if target.operation else None
    if seen is not None:
        distances = _of_operation(graph, target, seen, upstream)
    else:
        distances = graph.callers(target.service) if upstream else graph.callees(target.service)
    found = []
    for name, distance in distances.items():
        figures = graph.figures[name]
        calls, errors, times = figures.call_count, figures.error_count, figures.latency
        pair = (name, target.service) if upstream else (target.service, name)
        edges = graph.edges.get(pair, ()) if distance.hops == 1 else ()
        network = None
        if edges and seen is not None:
            calls, errors, times, network = _own_calls(graph, pair, seen, upstream)
        elif edges:
            network = next((edge.network for edge in edges if not edge.is_async), None)
            calls, errors = sum(e.call_count for e in edges), sum(e.error_count for e in edges)
            times = edges[0].latency if len(edges) == 1 else _latency_between(graph, pair)
        rate = 100 * errors / calls if calls else 0.0
        found.append(
            Neighbour(
                name,
                distance,
                calls,
                rate,
                times,
                not distance.is_sync,
                figures.inferred,
                figures.peer_type,
                network,
            )
        )
    return sorted(found, key=lambda one: (one.distance.hops, -one.calls, one.service))


def _own_calls(
    graph: ServiceGraph, pair: tuple[str, str], seen: Reach, upstream: bool
) -> tuple[int, int, Latency, EdgeNetwork | None]:
    """Measure the calls between two services to or from an operation: count, errors, latency and network time."""
    traces, calls = graph.traces, graph.calls
    caller, callee = graph.node_numbers(pair)
    of_pair = (calls.caller == caller) & (calls.callee == callee)
    of_pair &= seen.leads[calls.span] if upstream else led_to(traces, calls, seen.own)[calls.caller_span]
    span, errors = calls.span[of_pair], int(calls.error[of_pair].sum())
    return len(span), errors, latency(traces.known_durations(span)), _network(traces, calls, of_pair)


def _network(traces: TraceSet, calls: Calls, chosen: np.ndarray) -> EdgeNetwork | None:
    """Measure the network time of some calls, bool[calls]; None if it is not known of any."""
    times, known = network_by_call(calls, network_times(traces, calls))
    rows = np.flatnonzero(chosen & known)
    whole = int(traces.duration[calls.caller_half[rows]].sum())
    if not whole:
        return None
    p50, p95 = quantiles(times[rows], (0.5, 0.95))
    return EdgeNetwork(p50, p95, 100 * int(times[rows].sum()) / whole)


def _latency_between(graph: ServiceGraph, pair: tuple[str, str]) -> Latency:
    """Measure the calls from one service to another, synchronous and asynchronous together."""
    traces, calls = graph.traces, graph.calls
    caller, callee = graph.node_numbers(pair)
    return latency(traces.known_durations(calls.span[(calls.caller == caller) & (calls.callee == callee)]))


def _of_operation(graph: ServiceGraph, target: Target, seen: Reach, upstream: bool) -> dict[str, Distance]:
    """Find the neighbours of a service that were observed upstream or downstream of one of its operations."""
    traces, calls = graph.traces, graph.calls
    if upstream:
        around = graph.callers(target.service)
        names = {traces.services[number] for number in np.unique(traces.service[seen.leads]).tolist()}
    else:
        around = graph.callees(target.service)
        called = calls.callee[led_to(traces, calls, seen.own)[calls.caller_span]]
        names = {calls.nodes[number] for number in np.unique(called).tolist()}
    return {name: distance for name, distance in around.items() if name in names}
