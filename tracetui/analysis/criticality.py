"""How much a system leans on each of its services: the parts of the answer, not one score."""

from __future__ import annotations

from dataclasses import dataclass, replace

import networkx as nx
import numpy as np

from tracetui.analysis.service_graph import ServiceGraph

_EXACT = 300
"""Services up to which betweenness is exact."""
_STEPS = 2_000_000
"""Beyond, it is counted from so many services that these steps over calls are not exceeded."""


@dataclass(frozen=True, slots=True)
class Criticality:
    """What depends on one service or inferred peer."""

    service: str
    rank: int
    """1 for the service in most traces; equal ones are ordered by their callers, then by name."""
    inferred: bool
    trace_count: int
    trace_share: float
    """Traces through it, in percent of all."""
    direct_callers: int
    indirect_callers: int
    entry_operations: tuple[str, ...]
    """Operations that requests enter by and that led to it, as `service operation`, by name."""
    betweenness: float
    """The share of the shortest ways between two others that go through it, 0 to 1."""
    single_point: bool
    """Whether there is a service that an entry needs and reaches through this one alone."""


def criticality(graph: ServiceGraph) -> list[Criticality]:
    """Rank all services, the one in most traces first."""
    traces = graph.traces
    through = _traces_through(graph)
    between = _betweenness(graph)
    single = single_points(graph)
    needed_by = _needed_by(graph)
    found = []
    for name in graph.names:
        (number,) = graph.node_numbers([name])
        count = int(through[number])
        direct = graph.graph.in_degree(name)
        found.append(
            Criticality(
                service=name,
                rank=0,
                inferred=graph.figures[name].inferred,
                trace_count=count,
                trace_share=100 * count / traces.trace_count if traces.trace_count else 0.0,
                direct_callers=direct,
                indirect_callers=graph.caller_counts[name] - direct,
                entry_operations=needed_by.get(name, ()),
                betweenness=between.get(name, 0.0),
                single_point=name in single,
            )
        )
    found.sort(key=lambda c: (-c.trace_count, -c.direct_callers - c.indirect_callers, -c.direct_callers, c.service))
    return [replace(one, rank=rank) for rank, one in enumerate(found, 1)]


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
    """Per service the entry operations that lead to it; its own are not among them."""
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


def _betweenness(graph: ServiceGraph) -> dict[str, float]:
    count = len(graph.graph)
    begins = None if count <= _EXACT else min(max(_STEPS // (len(graph.edges) + 1), 10), count)
    between: dict[str, float] = nx.betweenness_centrality(graph.graph, k=begins, seed=0)
    return between


def single_points(graph: ServiceGraph) -> set[str]:
    """Services without which an entry would lose something else that it needs.

    Such a service stands on every way from an entry to something: it dominates it (Lengauer and Tarjan's word).
    """
    found: set[str] = set()
    for entry in graph.entry_services:
        immediate = nx.immediate_dominators(graph.graph, entry)
        found.update(above for below, above in immediate.items() if above not in (None, entry, below))
    return found
