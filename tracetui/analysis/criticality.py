"""Criticality of services, as components rather than one score."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tracetui.analysis.graph_measures import betweenness, dominators
from tracetui.analysis.service_graph import ServiceGraph


@dataclass(frozen=True, slots=True)
class Criticality:
    """Criticality of one service or inferred peer."""

    service: str
    rank: int
    """1 for the service in most traces; ties are ordered by number of callers, then by name."""
    inferred: bool
    trace_count: int
    trace_share: float
    """Traces that pass through it, in percent of all."""
    direct_callers: int
    indirect_callers: int | None
    """None if the graph is too large to count them."""
    entry_operations: tuple[str, ...]
    """Entry points that depend on it, as `service operation`, sorted."""
    betweenness: float
    """Share of the shortest paths between two others that pass through it, 0 to 1."""
    single_point: bool
    """True if some entry point reaches another service only through this one."""

    @property
    def callers(self) -> int:
        """Number of direct and indirect callers; only direct ones if the graph is too large."""
        return self.direct_callers + (self.indirect_callers or 0)


@dataclass(frozen=True, slots=True)
class Ranking:
    """All services of a graph, by rank."""

    services: list[Criticality]
    left_out: tuple[str, ...]
    """Messages about incomplete figures in a very large graph."""


def criticality(graph: ServiceGraph) -> list[Criticality]:
    """Rank all services, the one in most traces first."""
    return ranking(graph).services


def ranking(graph: ServiceGraph) -> Ranking:
    """Rank all services. -> the ranking, with messages about incomplete figures"""
    traces = graph.traces
    through = _traces_through(graph)
    between, not_between = betweenness(graph.arcs)
    single, not_single = _single_points(graph)
    dependent_entry_points = _dependent_entry_points(graph)
    found = []
    numbers = graph.node_numbers(graph.names)
    for node, (name, number) in enumerate(zip(graph.names, numbers, strict=True)):
        count = int(through[number])
        direct = len(graph.arcs.backwards[node])
        reached = graph.caller_counts[name]
        found.append(
            Criticality(
                service=name,
                rank=0,
                inferred=graph.figures[name].inferred,
                trace_count=count,
                trace_share=100 * count / traces.trace_count if traces.trace_count else 0.0,
                direct_callers=direct,
                indirect_callers=None if reached is None else reached - direct,
                entry_operations=dependent_entry_points.get(name, ()),
                betweenness=between[node],
                single_point=node in single,
            )
        )
    found.sort(key=lambda c: (-c.trace_count, -c.callers, -c.direct_callers, c.service))
    ranked = [replace(one, rank=rank) for rank, one in enumerate(found, 1)]
    return Ranking(ranked, tuple(filter(None, (graph.callers_left_out, not_between, not_single))))


def _visits(graph: ServiceGraph, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List the distinct pairs of a trace and a node that takes part in it: int64[m] each. among: bool[n] spans."""
    traces, calls = graph.traces, graph.calls
    own, calling = np.flatnonzero(among), np.flatnonzero(among & (calls.peer >= 0))
    trace = np.concatenate((traces.trace[own], traces.trace[calling])).astype(np.int64)
    node = np.concatenate((traces.service[own], calls.peer[calling])).astype(np.int64)
    return np.divmod(np.unique(trace * len(calls.nodes) + node), max(len(calls.nodes), 1))


def _traces_through(graph: ServiceGraph) -> np.ndarray:
    """int64[nodes]"""
    traces, calls = graph.traces, graph.calls
    trace, node = _visits(graph, np.ones(len(traces), bool))
    # inferred callers also take part, though nothing leads to them
    trace = np.concatenate((trace, traces.trace[calls.span[calls.by_peer]].astype(np.int64)))
    node = np.concatenate((node, calls.caller[calls.by_peer].astype(np.int64)))
    pairs = np.unique(trace * len(calls.nodes) + node)
    return np.bincount(pairs % max(len(calls.nodes), 1), minlength=len(calls.nodes))


def _dependent_entry_points(graph: ServiceGraph) -> dict[str, tuple[str, ...]]:
    """List the entry points that lead to each service, except its own."""
    traces, calls = graph.traces, graph.calls
    root = traces.main_root[traces.trace]
    spans = np.arange(len(traces))
    # an orphan is in the trace, but it is unknown whether the request led to it
    trace, node = _visits(graph, (spans >= root) & (spans < traces.subtree_end[root]))
    entry = traces.operation[traces.main_root[trace]]
    pairs = np.unique(np.column_stack((entry, node)), axis=0)
    found: dict[str, list[str]] = {}
    for operation, number in pairs.tolist():
        service, name = traces.operation_label(operation)
        if calls.nodes[number] != service:
            found.setdefault(calls.nodes[number], []).append(f"{service} {name}")
    return {name: tuple(sorted(entries)) for name, entries in found.items()}


def _single_points(graph: ServiceGraph) -> tuple[set[int], str]:
    return dominators(graph.arcs, [graph.number[name] for name in graph.entry_services])
