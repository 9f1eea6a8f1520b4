"""Who is hit when a service, an operation, an inferred peer or a call is slow or fails: measured, not guessed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.errors import Role, roles
from tracetui.analysis.groups import group_slices
from tracetui.analysis.reach import Reach, counts_below, led_to, parts, reach
from tracetui.analysis.service_graph import Distance, ServiceGraph, Target
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, slots=True)
class Hit:
    """What a target does to somebody that reaches it. Shares are in percent."""

    exposure: float
    """Of the traces that it takes part in, those in which one of its spans leads to the target."""
    failing: float
    """Of those traces, the ones in which it fails with an error that began in the target or below it."""
    latency: float
    """Of the critical path that runs in it and below it, what runs in the target and below that."""
    trace_count: int
    """The traces that it takes part in."""


@dataclass(frozen=True, slots=True)
class HitService:
    """A service upstream of the target. Without exposure it could reach the target, and did not in these traces."""

    service: str
    distance: Distance
    hit: Hit


@dataclass(frozen=True, slots=True)
class HitEntry:
    """An operation that requests enter by: what users see of it."""

    service: str
    operation: str
    hit: Hit


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """Who depends on a target, and what it depends on."""

    target: Target
    trace_count: int
    """The traces that the target takes part in."""
    trace_share: float
    """Of all traces, in percent."""
    services: tuple[HitService, ...]
    """Upstream, hardest hit first (by exposure, then nearest)."""
    entries: tuple[HitEntry, ...]
    """The operations of the traces' main roots that are exposed, hardest hit first."""
    downstream: tuple[tuple[str, Distance], ...]
    """What the target reaches, nearest first."""


class _Measure:
    """The figures of any spans that stand for somebody's part in a trace."""

    def __init__(self, traces: TraceSet, paths: CriticalPaths, seen: Reach) -> None:
        self._traces = traces
        self._leads = seen.leads
        self._path = counts_below(traces, paths.critical)
        # at the target's span that it is in or below: whatever has that span below it is hit by it
        within = np.flatnonzero(seen.nearest >= 0)
        path_within, origins = np.zeros((2, len(traces)), np.int64)
        np.add.at(path_within, seen.nearest[within], paths.critical[within])
        np.add.at(origins, seen.nearest[within], roles(traces)[within] == Role.ORIGIN)
        self._path_within = counts_below(traces, path_within)
        self.failing = traces.error & (counts_below(traces, origins) > 0)
        """bool[n], errors that began in the target or below it, and that have it below them or are its own"""

    def hit(self, tops: np.ndarray, failing: np.ndarray) -> Hit:
        """tops: int64, somebody's topmost spans; failing: int64, the traces in which the target makes it fail."""
        traces = self._traces.trace[tops]
        own = len(np.unique(traces))
        if not own:
            return Hit(0.0, 0.0, 0.0, 0)
        path = int(self._path[tops].sum())
        return Hit(
            exposure=100 * len(np.unique(traces[self._leads[tops]])) / own,
            failing=100 * len(np.unique(failing)) / own,
            latency=100 * int(self._path_within[tops].sum()) / path if path else 0.0,
            trace_count=own,
        )


def blast_radius(graph: ServiceGraph, paths: CriticalPaths, target: Target) -> BlastRadius:
    """Measure who is hit by a target."""
    traces = graph.traces
    seen = reach(graph, target)
    measure = _Measure(traces, paths, seen)
    through = len(np.unique(traces.trace[seen.own]))
    return BlastRadius(
        target=target,
        trace_count=through,
        trace_share=100 * through / traces.trace_count if traces.trace_count else 0.0,
        services=tuple(_services(graph, measure, seen, target)),
        entries=tuple(_entries(traces, measure, seen)),
        downstream=tuple(_downstream(graph, seen, target).items()),
    )


def _services(graph: ServiceGraph, measure: _Measure, seen: Reach, target: Target) -> list[HitService]:
    traces = graph.traces
    tops = parts(traces)
    upstream = graph.callers(target.caller or target.service)
    if target.caller:
        is_sync = any(not edge.is_async for edge in graph.edges[target.caller, target.service])
        upstream = {name: Distance(d.hops + 1, d.is_sync and is_sync) for name, d in upstream.items()}
        upstream[target.caller] = Distance(1, is_sync)
    failing = np.flatnonzero(measure.failing)
    hits = []
    for name, distance in upstream.items():
        if name == target.service or name not in _services_of(traces):
            continue
        number = _services_of(traces)[name]
        spans = tops.of(number)
        if target.operation and not seen.leads[spans].any():
            # whoever calls the service but never gets to this operation has nothing to do with it
            continue
        failed = traces.trace[failing[traces.service[failing] == number]]
        hits.append(HitService(name, distance, measure.hit(spans, failed)))
    return sorted(hits, key=lambda found: (-found.hit.exposure, found.distance.hops, found.service))


def _services_of(traces: TraceSet) -> dict[str, int]:
    return {name: number for number, name in enumerate(traces.services)}


def _entries(traces: TraceSet, measure: _Measure, seen: Reach) -> list[HitEntry]:
    roots = traces.main_root
    order, distinct, first = group_slices(traces.operation[roots])
    entries = []
    for operation, begin, end in zip(distinct.tolist(), first[:-1].tolist(), first[1:].tolist(), strict=True):
        own = np.sort(roots[order[begin:end]])
        if not seen.leads[own].any():
            continue
        service, name = traces.operation_label(operation)
        hit = measure.hit(own, traces.trace[own[measure.failing[own]]])
        entries.append(HitEntry(service, name, hit))
    return sorted(
        entries, key=lambda found: (-found.hit.exposure, -found.hit.trace_count, found.service, found.operation)
    )


def _downstream(graph: ServiceGraph, seen: Reach, target: Target) -> dict[str, Distance]:
    reached = graph.callees(target.service)
    if not target.operation:
        return reached
    # what the operation has called, not whatever its service may
    calls = graph.calls
    called = calls.callee[led_to(graph.traces, calls, seen.own)[calls.caller_span]]
    names = {calls.nodes[node] for node in np.unique(called).tolist()} - {target.service}
    return {name: distance for name, distance in reached.items() if name in names}
