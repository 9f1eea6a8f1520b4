"""Call chains between two services: observed ones, and others that are possible in the graph."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import networkx as nx
import numpy as np

from tracetui.analysis.calls import Calls, is_named
from tracetui.analysis.latency import latency
from tracetui.analysis.reach import nearest, own_spans
from tracetui.analysis.service_graph import ServiceGraph, Target
from tracetui.analysis.stats.groups import group_positions
from tracetui.model.traces import TraceSet

_LONGEST = 200
"""Longest chain that is followed back; longer ones are cycles."""
_MAX_POSSIBLE = 10


@dataclass(frozen=True, slots=True)
class CallChain:
    """Chain of services from one to another, both included."""

    services: tuple[str, ...]
    trace_count: int = 0
    """Number of traces with it; 0 for a possible one."""
    call_count: int = 0
    """Number of calls that arrived by it; a call counts once for each first call that led to it."""
    p50_ns: float | None = None
    """Median duration of the first call on the caller's side; None if unknown."""


@dataclass(frozen=True, slots=True)
class CallChains:
    """Call chains from one target to another."""

    begin: str
    end: str
    observed: tuple[CallChain, ...]
    """By number of traces, most first."""
    possible: tuple[CallChain, ...]
    """Shortest chains that no trace has, by name."""


def call_chains(graph: ServiceGraph, begin: Target, end: Target) -> CallChains:
    """Find the chains of calls from one target to another.

    A chain begins at the nearest span of `begin` above. Consecutive calls of a service to itself count once. If links
    form a cycle, only the shortest chain is followed.
    """
    observed = _observed(graph, begin, end)
    taken = {chain.services for chain in observed}
    possible: list[CallChain] = []
    last = end.caller or end.service
    if begin.service != end.service and nx.has_path(graph.graph, begin.service, last):
        shortest = nx.all_shortest_paths(graph.graph, begin.service, last)
        paths = ((*path, end.service) if end.caller else tuple(path) for path in shortest)
        # a graph with many equally short paths has too many of them to list all
        found = set(islice(paths, 20 * _MAX_POSSIBLE)) - taken
        possible = [CallChain(path) for path in sorted(found)[:_MAX_POSSIBLE]]
    return CallChains(begin.name, end.name, tuple(observed), tuple(possible))


def _entry_of(traces: TraceSet, calls: Calls) -> np.ndarray:
    """Find for each span the topmost span of its part of the trace, in its service: int64[n]."""
    above = calls.above
    same = (above >= 0) & ((traces.service == traces.service[above]) | ~is_named(traces))
    entry = np.where(same, above, np.arange(len(traces))).astype(np.int64)
    # each round doubles the distance
    while True:
        further = entry[entry]
        if np.array_equal(further, entry):
            return entry
        entry = further


class _Paths:
    """Finds the calls that led to a span."""

    def __init__(self, traces: TraceSet, calls: Calls) -> None:
        self.entry = _entry_of(traces, calls)
        self._traces = traces
        # a call to an inferred peer has no entry span, so use its own span
        inward = np.flatnonzero(~calls.outward)
        self._calls = inward[np.argsort(calls.span[inward], kind="stable")]
        self._begun = calls.span[self._calls]
        begins = np.zeros(len(traces), bool)
        begins[self._begun] = True
        self._nearest = nearest(traces, begins)

    def back(self, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the calls that began the parts of these spans, at or above them.

        -> int64[m] positions in `spans`, int64[m] calls
        """
        rows, found = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        at, row = self._nearest[spans], np.arange(len(spans))
        while len(row):
            # calls may also enter in the middle of a part: consumers of messages
            inside = at >= self.entry[spans[row]]
            at, row = at[inside], row[inside]
            low, high = np.searchsorted(self._begun, at), np.searchsorted(self._begun, at, "right")
            sizes = high - low
            rows.append(np.repeat(row, sizes))
            found.append(self._calls[np.repeat(low - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum()))])
            above = self._traces.parent[at]
            at, row = self._nearest[above[above >= 0]], row[above >= 0]
        return np.concatenate(rows), np.concatenate(found)

    def contains(self, spans: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Test whether the part of each span contains any wanted span (bool[n]) at or below it: bool[len(spans)]."""
        count = len(self._traces) + 1
        targets = np.flatnonzero(wanted)
        positions = np.sort(self.entry[targets] * count + targets)
        part = self.entry[spans] * count
        low = np.searchsorted(positions, part + spans)
        inside: np.ndarray = low < np.searchsorted(positions, part + self._traces.subtree_end[spans])
        return inside


def _observed(graph: ServiceGraph, begin: Target, end: Target) -> list[CallChain]:
    traces, calls = graph.traces, graph.calls
    (first_node, last_node) = graph.node_numbers([begin.service, end.service])
    back = _Paths(traces, calls)
    start = nearest(traces, own_spans(graph, begin))
    by_link, by_peer = calls.by_link, calls.by_peer
    waited = np.where(calls.caller_half >= 0, calls.caller_half, calls.caller_span)
    arriving = calls.callee == last_node
    if end.caller:
        arriving &= calls.caller == graph.node_numbers([end.caller])[0]
    elif end.operation:
        arriving &= back.contains(calls.span, own_spans(graph, end))
    arrived = at = np.flatnonzero(arriving)
    # chains are numbered as they grow, all by one step at a time
    paths: list[tuple[int, ...]] = [(last_node,)]
    path = np.zeros(len(at), np.int64)
    followed = np.zeros(0, np.int64)
    found: dict[tuple[int, ...], list[tuple[np.ndarray, np.ndarray]]] = {}
    for _ in range(_LONGEST):
        linking = by_link[at]
        if len(followed) or linking.any():
            # only links can form cycles; follow each link once, at the first visit
            pair = arrived * len(calls.span) + at
            new = ~linking | ~np.isin(pair, followed)
            followed = np.union1d(followed, pair[linking])
            at, arrived, path = np.unique(np.column_stack((at, arrived, path))[new], axis=0).T
        if not len(at):
            break
        caller, caller_span = calls.caller[at], calls.caller_span[at]
        pairs, path = np.unique(np.column_stack((path, caller)), axis=0, return_inverse=True)
        path = path.ravel()
        paths = [(node, *paths[before]) for before, node in pairs.tolist()]
        # an inferred caller has no spans to begin at, and nothing leads to it
        unseen = by_peer[at]
        there = (caller == first_node) & (unseen | (start[caller_span] >= back.entry[caller_span]))
        begun = np.flatnonzero(there)
        for number, some in group_positions(path[begun]):
            of_path = begun[some]
            found.setdefault(paths[number], []).append((calls.span[arrived[of_path]], waited[at[of_path]]))
        further = ~there & ~unseen
        path, arrived = path[further], arrived[further]
        rows, at = back.back(caller_span[further])
        path, arrived = path[rows], arrived[rows]
    return _chains(graph, found)


def _chains(graph: ServiceGraph, found: dict[tuple[int, ...], list[tuple[np.ndarray, np.ndarray]]]) -> list[CallChain]:
    traces, nodes = graph.traces, graph.calls.nodes
    chains = []
    for path, seen in found.items():
        last = np.concatenate([spans for spans, _ in seen])
        first = np.concatenate([spans for _, spans in seen])
        chains.append(
            CallChain(
                services=tuple(nodes[node] for node in path),
                trace_count=len(np.unique(traces.trace[last])),
                call_count=len(last),
                p50_ns=latency(traces.known_durations(first)).p50_ns,
            )
        )
    return sorted(chains, key=lambda chain: (-chain.trace_count, len(chain.services), chain.services))
