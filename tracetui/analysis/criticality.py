"""Criticality of services: its components, not one score."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tracetui.analysis.graph_measures import betweenness, dominating
from tracetui.analysis.service_graph import ServiceGraph


@dataclass(frozen=True, slots=True)
class Criticality:
    """Dependence of the system on one service or inferred peer."""

    service: str
    rank: int
    """1 for the service in most traces; equal ones are ordered by their callers, then by name."""
    inferred: bool
    trace_count: int
    trace_share: float
    """Traces through it, in percent of all."""
    direct_callers: int
    indirect_callers: int | None
    """None where the graph is too large to count them."""
    entry_operations: tuple[str, ...]
    """Operations that requests enter by and that led to it, as `service operation`, by name."""
    betweenness: float
    """The share of the shortest ways between two others that pass through it, 0 to 1."""
    single_point: bool
    """True if some entry point needs a service that it reaches through this one alone."""

    @property
    def callers(self) -> int:
        """Number of direct and indirect callers; of direct ones alone where the graph is too large."""
        return self.direct_callers + (self.indirect_callers or 0)


@dataclass(frozen=True, slots=True)
class Ranking:
    """All services of a graph by their rank."""

    services: list[Criticality]
    left_out: tuple[str, ...]
    """Message about figures that were not computed in full in a very large graph."""


def criticality(graph: ServiceGraph) -> list[Criticality]:
    """Rank all services, the one in most traces first."""
    return ranking(graph).services


def ranking(graph: ServiceGraph) -> Ranking:
    """Rank all services. -> the ranking, and a message about figures that are incomplete"""
    traces = graph.traces
    through = _traces_through(graph)
    between, not_between = betweenness(graph.arcs)
    single, not_single = _single_points(graph)
    needed_by = _needed_by(graph)
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
                entry_operations=needed_by.get(name, ()),
                betweenness=between[node],
                single_point=node in single,
            )
        )
    found.sort(key=lambda c: (-c.trace_count, -c.callers, -c.direct_callers, c.service))
    ranked = [replace(one, rank=rank) for rank, one in enumerate(found, 1)]
    return Ranking(ranked, tuple(filter(None, (graph.callers_left_out, not_between, not_single))))


def _visits(graph: ServiceGraph, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """among: bool[n] spans. -> traces and nodes, int64[m]: which of them take part in which traces, each pair once"""
    traces, calls = graph.traces, graph.calls
    own, calling = np.flatnonzero(among), np.flatnonzero(among & (calls.peer >= 0))
    trace = np.concatenate((traces.trace[own], traces.trace[calling])).astype(np.int64)
    node = np.concatenate((traces.service[own], calls.peer[calling])).astype(np.int64)
    return np.divmod(np.unique(trace * len(calls.nodes) + node), max(len(calls.nodes), 1))


def _traces_through(graph: ServiceGraph) -> np.ndarray:
    """int64[nodes]"""
    traces, calls = graph.traces, graph.calls
    trace, node = _visits(graph, np.ones(len(traces), bool))
    # a peer that calls takes part as well, though nothing leads to it
    trace = np.concatenate((trace, traces.trace[calls.span[calls.by_peer]].astype(np.int64)))
    node = np.concatenate((node, calls.caller[calls.by_peer].astype(np.int64)))
    pairs = np.unique(trace * len(calls.nodes) + node)
    return np.bincount(pairs % max(len(calls.nodes), 1), minlength=len(calls.nodes))


def _needed_by(graph: ServiceGraph) -> dict[str, tuple[str, ...]]:
    """Entry points that lead to each service, its own excluded."""
    traces, calls = graph.traces, graph.calls
    root = traces.main_root[traces.trace]
    spans = np.arange(len(traces))
    # an orphan is in the trace, but nothing says that the request led to it
    trace, node = _visits(graph, (spans >= root) & (spans < traces.subtree_end[root]))
    entry = traces.operation[traces.main_root[trace]]
    pairs = np.unique(np.column_stack((entry, node)), axis=0)
    found: dict[str, list[str]] = {}
    for operation, number in pairs.tolist():
        service, name = traces.operation_label(operation)
        if calls.nodes[number] != service:
            found.setdefault(calls.nodes[number], []).append(f"{service} {name}")
    return {name: tuple(sorted(entries)) for name, entries in found.items()}


def single_points(graph: ServiceGraph) -> set[str]:
    """Services without which an entry would lose something else that it needs."""
    return {graph.names[node] for node in _single_points(graph)[0]}


def _single_points(graph: ServiceGraph) -> tuple[set[int], str]:
    return dominating(graph.arcs, [graph.number[name] for name in graph.entry_services])
