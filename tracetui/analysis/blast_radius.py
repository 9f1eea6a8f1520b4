"""Blast radius: the measured effect of a slow or failing service, operation, inferred peer or call."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tracetui.analysis.critical_path import CriticalPaths, root_paths
from tracetui.analysis.outcomes import Outcome, outcomes
from tracetui.analysis.reach import Reach, counts_below, led_to, parts, reach
from tracetui.analysis.service_graph import Distance, ServiceGraph, Target
from tracetui.analysis.stats.groups import group_slices
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, slots=True)
class Impact:
    """Effect of a target on a service or entry point that reaches it. Shares are in percent."""

    exposure: float
    """Share of its traces in which one of its spans led to the target."""
    failing: float
    """Share of its traces whose request failed because of an error that began in or below the target, and in or below
    one of its own spans.
    """
    latency: float
    """Share of its critical path in or below the target. A service that is never on the critical path of a trace is
    measured by the paths of its own topmost spans.
    """
    trace_count: int
    """Number of traces that it takes part in."""
    handled: float = 0.0
    """Like `failing`, but for handled errors; traces that count as failing are excluded."""


@dataclass(frozen=True, slots=True)
class AffectedService:
    """Service upstream of the target. With an exposure of 0 the graph connects it, but no trace does."""

    service: str
    distance: Distance
    impact: Impact


@dataclass(frozen=True, slots=True)
class AffectedEntry:
    """An entry point that depends on the target."""

    service: str
    operation: str
    impact: Impact


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """Services that depend on a target, and services that the target depends on."""

    target: Target
    trace_count: int
    """Number of traces that the target takes part in."""
    trace_share: float
    """These traces in percent of all."""
    services: tuple[AffectedService, ...]
    """Upstream services, by exposure, then nearest first."""
    entries: tuple[AffectedEntry, ...]
    """Exposed entry points (operations of main roots), by exposure."""
    downstream: tuple[tuple[str, Distance], ...]
    """Services that the target reaches, nearest first."""


class _Measure:
    """Measures the effect of the target on sets of spans: the part of a service or entry point in each trace."""

    def __init__(self, traces: TraceSet, paths: CriticalPaths, seen: Reach) -> None:
        self._traces = traces
        self._leads = seen.leads
        # count an origin at the nearest target span at or above it, so that all spans above that are affected
        self._nearest = seen.nearest
        self._within = np.flatnonzero(seen.nearest >= 0)
        self._at = seen.nearest[self._within]
        self._path, self._path_within = self._shares(paths.critical)
        outcome = outcomes(traces)[self._within]
        self._failed = self._origins(outcome == Outcome.FAILED)
        self._handled = self._origins((outcome == Outcome.HANDLED) | (outcome == Outcome.RETRIED))

    def _origins(self, chosen: np.ndarray) -> np.ndarray:
        """Count for every span the chosen spans at or below it that are within the target: int64[n]."""
        origins = np.zeros(len(self._traces), np.int64)
        np.add.at(origins, self._at, chosen)
        return counts_below(self._traces, origins)

    def _shares(self, critical: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sum the critical path at and below every span, and the target's part of it: int64[n] each."""
        within = np.zeros(len(critical), np.int64)
        np.add.at(within, self._at, critical[self._within])
        return counts_below(self._traces, critical), counts_below(self._traces, within)

    def impact(self, tops: np.ndarray) -> Impact:
        """Measure the effect on a service or entry point. tops: int64, its topmost spans."""
        traces = self._traces.trace[tops]
        own = len(np.unique(traces))
        if not own:
            return Impact(0.0, 0.0, 0.0, 0)
        exposed = len(np.unique(traces[self._leads[tops]]))
        total, within = int(self._path[tops].sum()), int(self._path_within[tops].sum())
        if exposed and not self._path[tops].any():
            # never on the request's path, but has its own: a queue consumer, or a branch that is never last
            total, within = self._by_own_paths(tops)
        failed = np.unique(traces[self._failed[tops] > 0])
        handled = np.setdiff1d(traces[self._handled[tops] > 0], failed)
        return Impact(
            exposure=100 * exposed / own,
            failing=100 * len(failed) / own,
            latency=100 * within / total if total else 0.0,
            trace_count=own,
            handled=100 * len(handled) / own,
        )

    def _by_own_paths(self, tops: np.ndarray) -> tuple[int, int]:
        """Sum the paths that begin at these spans, and the target's part of them, in ns.

        Only the subtrees of these spans are read, as this is called for many targets.
        """
        traces = self._traces
        sizes = traces.subtree_end[tops] - tops
        begins = np.cumsum(sizes) - sizes
        shift = np.repeat(tops - begins, sizes)
        spans = np.arange(int(sizes.sum())) + shift
        parent = traces.parent[spans] - shift
        parent[begins] = -1
        columns = ("trace", "start", "duration", "order", "kind", "flags")
        below = replace(
            traces,
            **{name: getattr(traces, name)[spans] for name in columns},
            parent=parent.astype(np.int32),
            subtree_end=(traces.subtree_end[spans] - shift).astype(np.int32),
        )
        critical = root_paths(below).critical
        of_target = self._nearest[spans] >= np.repeat(tops, sizes)
        return int(critical.sum()), int(critical[of_target].sum())


def blast_radius(graph: ServiceGraph, paths: CriticalPaths, target: Target) -> BlastRadius:
    """Measure the blast radius of a target."""
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


def _services(graph: ServiceGraph, measure: _Measure, seen: Reach, target: Target) -> list[AffectedService]:
    traces = graph.traces
    tops = parts(traces)
    upstream = graph.callers(target.caller or target.service)
    if target.caller:
        is_sync = any(not edge.is_async for edge in graph.edges[target.caller, target.service])
        upstream = {name: Distance(d.hops + 1, d.is_sync and is_sync) for name, d in upstream.items()}
        upstream[target.caller] = Distance(1, is_sync)
    impacts = []
    numbers = {name: number for number, name in enumerate(traces.services)}
    for name, distance in upstream.items():
        if name == target.service or name not in numbers:
            continue
        spans = tops.of(numbers[name])
        if target.operation and not seen.leads[spans].any():
            # exclude services that call this service but never reach this operation
            continue
        impacts.append(AffectedService(name, distance, measure.impact(spans)))
    return sorted(impacts, key=lambda found: (-found.impact.exposure, found.distance.hops, found.service))


def _entries(traces: TraceSet, measure: _Measure, seen: Reach) -> list[AffectedEntry]:
    roots = traces.main_root
    order, distinct, first = group_slices(traces.operation[roots])
    entries = []
    for operation, begin, end in zip(distinct.tolist(), first[:-1].tolist(), first[1:].tolist(), strict=True):
        own = np.sort(roots[order[begin:end]])
        if not seen.leads[own].any():
            continue
        service, name = traces.operation_label(operation)
        entries.append(AffectedEntry(service, name, measure.impact(own)))
    return sorted(
        entries, key=lambda found: (-found.impact.exposure, -found.impact.trace_count, found.service, found.operation)
    )


def _downstream(graph: ServiceGraph, seen: Reach, target: Target) -> dict[str, Distance]:
    reached = graph.callees(target.service)
    if not target.operation:
        return reached
    # only what the operation has called, not everything that its service calls
    calls = graph.calls
    called = calls.callee[led_to(graph.traces, calls, seen.own)[calls.caller_span]]
    names = {calls.nodes[node] for node in np.unique(called).tolist()} - {target.service}
    return {name: distance for name, distance in reached.items() if name in names}
