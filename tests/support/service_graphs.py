"""Graphs of services for tests, and a reference of their calls in plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.support.building import GivenSpan, build, span
from tests.support.call_reference import Node, find, nodes_of
from tracetui.analysis.calls import find_calls
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.dependencies import Edge, find_dependencies
from tracetui.analysis.service_graph import Distance, ServiceGraph, Target
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet

LONG = "x" * 200
"""A name longer than any column."""


class ReferenceGraph:
    """A trace set as objects, and the calls in it."""

    def __init__(self, traces: TraceSet) -> None:
        self.trace_count = traces.trace_count
        self.nodes = nodes_of(traces)
        self.calls = find(traces, self.nodes)
        self.roots = [self.nodes[int(i)] for i in traces.main_root]
        for trace in range(traces.trace_count):
            for i, start, end in zip(*critical_paths(traces).sections_of(trace), strict=True):
                self.nodes[int(i)].critical += int(end) - int(start)
        self.services = {one.service for one in self.nodes}
        self.names = self.services | {name for call in self.calls for name in (call.caller, call.callee)}
        self.pairs = {(call.caller, call.callee) for call in self.calls}
        self.sync_pairs = {(call.caller, call.callee) for call in self.calls if not call.is_async}

    @property
    def targets(self) -> list[Target]:
        """All targets of the graph."""
        operations = {(one.service, one.operation) for one in self.nodes}
        return [
            *(Target(name) for name in sorted(self.names)),
            *(Target(service, operation) for service, operation in sorted(operations)),
            *(Target(callee, caller=caller) for caller, callee in sorted(self.pairs)),
        ]

    def own(self, target: Target) -> set[Node]:
        """Return the spans of a target, or the spans that called it if it has none."""
        if target.caller:
            return {c.span for c in self.calls if (c.caller, c.callee) == (target.caller, target.service)}
        if target.operation:
            return {one for one in self.nodes if (one.service, one.operation) == (target.service, target.operation)}
        return {one for one in self.nodes if target.service in (one.service, one.peer)}

    def led_to(self, one: Node) -> list[Node]:
        """Return a span, its descendants, the spans that link to any of those, and so on."""
        found, seen = [one], {one}
        for node in found:
            further = node.children + [other for other in self.nodes if node in other.linked]
            found.extend(other for other in dict.fromkeys(further) if other not in seen)
            seen.update(further)
        return found


def hops(start: str, pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return the services that can be reached and the least number of hops to each; 0 for the start."""
    pairs = set(pairs)
    found = {start: 0}
    frontier = {start}
    while frontier:
        frontier = {end for begin, end in pairs if begin in frontier} - set(found)
        found.update(dict.fromkeys(frontier, 1 + max(found.values())))
    return found


def reverse(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(end, begin) for begin, end in pairs}


def distances(start: str, pairs: set[tuple[str, str]], sync: set[tuple[str, str]]) -> dict[str, Distance]:
    at_once = hops(start, sync)
    return {name: Distance(steps, name in at_once) for name, steps in hops(start, pairs).items() if name != start}


def graph_of(*spans: GivenSpan) -> ServiceGraph:
    traces = build(*spans)
    calls = find_calls(traces)
    return ServiceGraph(traces, calls, find_dependencies(traces, calls))


def call_paths(*paths: Sequence[str]) -> list[GivenSpan]:
    """Return spans of services: each path of names, or letters, is a trace in which every service calls the next."""
    spans = []
    for trace, path in enumerate(paths, 1):
        for depth, service in enumerate(path):
            parent = f"{depth:x}" if depth else ""
            spans.append(span(f"{depth + 1:x}", depth, 99 - depth, parent=parent, trace=f"{trace:x}", service=service))
    return spans


def clusters(count: int, size: int, *, is_dense: bool = False) -> list[GivenSpan]:
    """Return spans of clusters of services `c0-0`, `c0-1` and so on.

    Each service calls up to five others of its cluster, in dense ones the following five as well, and the first of a
    cluster those of two others.
    """
    paths = [(f"c{(cluster - 1) // 2}-0", f"c{cluster}-0") for cluster in range(1, count)]
    for cluster in range(count):
        for number in range(size):
            callees = [callee for callee in range(4 * number + 1, 4 * number + 5) if callee < size]
            # some are called by two
            callees += [size - 1 - number // 2] if number < size // 4 else []
            callees += [(number + step) % size for step in range(1, 6)] if is_dense else []
            paths += [(f"c{cluster}-{number}", f"c{cluster}-{callee}") for callee in callees if callee != number]
    return call_paths(*paths)


@st.composite
def call_pairs(draw: st.DrawFn, names: str = "abcdef") -> list[str]:
    """Draw paths of two services each, for `call_paths`."""
    pairs = [a + b for a in names for b in names if a != b]
    return draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=12))


def graph_of_call(caller: str, callee: str, operation: str = "get") -> ServiceGraph:
    return graph_of(
        span("1", 0, 99, service=caller, name="root"), span("2", 1, 9, service=callee, name=operation, parent="1")
    )


def edges(*spans: GivenSpan) -> dict[tuple[str, str, bool], int]:
    """Return the number of calls by (caller, callee, is_async)."""
    found = find_dependencies(build(*spans)).edges
    return {(edge.caller, edge.callee, edge.is_async): edge.call_count for edge in found}


def edge_of(*spans: GivenSpan) -> Edge:
    """Return the only edge."""
    (edge,) = find_dependencies(build(*spans)).edges
    return edge


def client_span(span_id: str = "c", parent: str = "a", **rest: Any) -> GivenSpan:
    """Return a client span of `web`, by default a child of `WEB`."""
    return span(span_id, 10, 90, service="web", kind=Kind.CLIENT, parent=parent, **rest)


WEB = span("a", 0, 100, service="web", kind=Kind.SERVER)
