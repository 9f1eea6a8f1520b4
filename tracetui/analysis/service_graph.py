"""Service graph of services and inferred peers, and the resolution of names in queries.

It imports networkx, so import it only where a graph is needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

import networkx as nx
import numpy as np

from tracetui.analysis.calls import Calls, is_named
from tracetui.analysis.dependencies import Dependencies, Edge, ServiceFigures
from tracetui.analysis.graph_measures import (
    MAX_GROUPED,
    Arcs,
    CycleSearch,
    count_callers,
    hops,
    strong_components,
    weak_components,
)
from tracetui.model.errors import UsageError
from tracetui.model.operation_shape import shape
from tracetui.model.traces import TraceSet

_CYCLES = 50
_LONGEST_CYCLE = 8
_NEAR = 3
_ARROW = "->"


@dataclass(frozen=True, slots=True)
class Target:
    """Subject of a query: a service or peer, one of a service's operations, or the calls between two services.

    `caller` and `operation` are '' if they do not apply.
    """

    service: str
    operation: str = ""
    caller: str = ""

    @property
    def name(self) -> str:
        if self.caller:
            return f"{self.caller} {_ARROW} {self.service}"
        return f"{self.service}:{self.operation}" if self.operation else self.service


@dataclass(frozen=True, slots=True)
class Distance:
    """Distance between two services: the least number of calls between them, and whether a synchronous chain exists."""

    hops: int
    is_sync: bool


class ServiceGraph:
    """Service graph of a trace set."""

    def __init__(self, traces: TraceSet, calls: Calls, dependencies: Dependencies) -> None:
        self.traces = traces
        self.calls = calls
        self.figures: dict[str, ServiceFigures] = {figures.service: figures for figures in dependencies.services}
        self.edges: dict[tuple[str, str], list[Edge]] = {}
        for edge in dependencies.edges:
            if edge.caller != edge.callee:
                self.edges.setdefault((edge.caller, edge.callee), []).append(edge)
        self.names = sorted(self.figures)
        """Services and peers, sorted by name."""
        self.number = {name: at for at, name in enumerate(self.names)}
        """Position of each in `names`, which is its node in `arcs`."""
        number = self.number
        self.arcs = Arcs.of(len(number), ((number[caller], number[callee]) for caller, callee in self.edges))
        awaited = (pair for pair, edges in self.edges.items() if any(not edge.is_async for edge in edges))
        self._sync = Arcs.of(len(number), ((number[caller], number[callee]) for caller, callee in awaited))

    @cached_property
    def graph(self) -> nx.DiGraph:
        """Return the names and their edges as a networkx graph, which only a few questions need."""
        graph = nx.DiGraph()
        graph.add_nodes_from(self.figures)
        graph.add_edges_from(self.edges)
        return graph

    def direct_counts(self, name: str) -> tuple[int, int]:
        """Count the direct callers and the direct callees."""
        node = self.number[name]
        return len(self.arcs.backwards[node]), len(self.arcs.onwards[node])

    def callers(self, name: str) -> dict[str, Distance]:
        """List the direct and indirect callers of a service, without itself, nearest first, then by name."""
        return self._distances(name, self.arcs.backwards, self._sync.backwards)

    def callees(self, name: str) -> dict[str, Distance]:
        """List the direct and indirect callees of a service, without itself, nearest first, then by name."""
        return self._distances(name, self.arcs.onwards, self._sync.onwards)

    def _distances(self, name: str, arcs: list[list[int]], sync: list[list[int]]) -> dict[str, Distance]:
        begin = self.number[name]
        distance, at_once = hops(arcs, (begin,)), hops(sync, (begin,))
        # positions follow the order of the names
        ordered = sorted((hops, other) for other, hops in distance.items() if other != begin)
        return {self.names[other]: Distance(hops, other in at_once) for hops, other in ordered}

    def around(self, names: Iterable[str], *, upstream: bool) -> set[str]:
        """Return these services and everything upstream or downstream of them."""
        arcs = self.arcs.backwards if upstream else self.arcs.onwards
        return {self.names[node] for node in hops(arcs, [self.number[name] for name in names])}

    def within(self, name: str, hops: int) -> set[str]:
        """Return a service with its callers and callees, direct and indirect, within some hops."""
        near = (self.callers(name), self.callees(name))
        return {name} | {other for found in near for other, distance in found.items() if distance.hops <= hops}

    @cached_property
    def caller_counts(self) -> dict[str, int | None]:
        """Number of direct and indirect callers of each service; None in parts of the graph that are too large."""
        return dict(zip(self.names, self._caller_counts[0], strict=True))

    @property
    def callers_left_out(self) -> str:
        """Message about `caller_counts` missing in a very large graph; '' for none."""
        return self._caller_counts[1]

    @cached_property
    def _caller_counts(self) -> tuple[list[int | None], str]:
        return count_callers(self.arcs)

    @cached_property
    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Cycles of services, shortest first, each from its first name in order. At most 50."""
        return tuple(tuple(self.names[node] for node in cycle) for cycle in self._cycle_search.found)

    @cached_property
    def on_cycles(self) -> frozenset[str]:
        """Services that call themselves through others."""
        return frozenset(self.names[node] for component in strong_components(self.arcs) for node in component)

    @cached_property
    def _cycle_search(self) -> CycleSearch:
        return CycleSearch(self.arcs, _LONGEST_CYCLE, _CYCLES)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Messages about incomplete cycles and groups in a very large graph."""
        note = "groups are services connected by any calls" if self._is_too_large_for_groups else ""
        return tuple(filter(None, (self._cycle_search.left_out, note)))

    @property
    def _is_too_large_for_groups(self) -> bool:
        return len(self.names) > MAX_GROUPED and bool(self.edges)

    @cached_property
    def communities(self) -> tuple[tuple[str, ...], ...]:
        """Groups of services that call each other more than others (Louvain's method over call counts).

        In a very large graph, groups of services connected by any calls.
        """
        if self._is_too_large_for_groups:
            found = [[self.names[node] for node in part] for part in weak_components(self.arcs)]
            return tuple(sorted((tuple(sorted(group)) for group in found), key=lambda group: (-len(group), group)))
        weighted = nx.Graph()
        weighted.add_nodes_from(self.names)
        for (caller, callee), edges in sorted(self.edges.items()):
            before = weighted.get_edge_data(caller, callee, {"weight": 0})["weight"]
            weighted.add_edge(caller, callee, weight=before + sum(edge.call_count for edge in edges))
        if not self.edges:
            return tuple((name,) for name in self.names)
        close = nx.community.louvain_communities(weighted, seed=0)
        return tuple(sorted((tuple(sorted(group)) for group in close), key=lambda group: (-len(group), group)))

    @cached_property
    def entry_services(self) -> tuple[str, ...]:
        """Services where requests enter: those of the main roots."""
        traces = self.traces
        roots = traces.main_root
        known = is_named(traces)[roots]
        # below a root that names no service, the first spans that do
        first = self.calls.entries[self.calls.above[self.calls.entries] < 0]
        behind = first[~known[traces.trace[first]]]
        services = np.unique(np.concatenate((traces.service[roots[known]], traces.service[behind])))
        return tuple(sorted(traces.services[number] for number in services.tolist()))

    def node_numbers(self, names: Iterable[str]) -> list[int]:
        """Return the numbers of these names in `calls`."""
        return [self._numbers[name] for name in names]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.calls.nodes)}

    # --- names -------------------------------------------------------------------------------------------------------

    def service(self, text: str) -> str:
        """Find the service or peer with this name; case is ignored if there is no exact match.

        Raises UsageError with the nearest names.
        """
        found = self._service(text)
        if found is None:
            raise UsageError(self._unknown(text, self.names, "service"))
        return found

    def target(self, text: str) -> Target:
        """Resolve `service`, `service:operation` or `caller -> callee`. Raises UsageError with the nearest names."""
        found = self._service(text)
        if found is not None:
            return Target(found)
        # names may themselves contain arrows and colons
        nothing: list[str] = []
        for left, right in _splits(text, _ARROW):
            caller, callee = self._service(left), self._service(right)
            if (caller, callee) in self.edges:
                return Target(str(callee), caller=str(caller))
            if caller is not None and callee is not None:
                nothing.insert(0, f"{caller} does not call {callee} in these traces")
            else:
                nothing.append(self._unknown((left if caller is None else right).strip(), self.names, "service"))
        for left, right in _splits(text, ":"):
            service = self._service(left)
            if service is not None:
                known = self.operations(service)
                operation = _matched(right, known) or _matched(shape(right.strip()), known)
                if operation is not None:
                    return Target(service, operation)
                nothing.insert(0, self._unknown(right.strip(), known, f"operation of {service}"))
        raise UsageError(nothing[0] if nothing else self._unknown(text, self.names, "service"))

    def _service(self, text: str) -> str | None:
        return _matched(text, self.figures)

    def operations(self, service: str) -> list[str]:
        """List the operations of a service by name; an inferred peer has none."""
        if service not in self.traces.services:
            return []
        number = self.traces.services.index(service)
        shapes = np.unique(self.traces.shape[self.traces.service == number])
        return sorted(self.traces.shapes[shape] for shape in shapes.tolist())

    @staticmethod
    def _unknown(text: str, known: list[str], what: str) -> str:
        lower = {name.lower(): name for name in known}
        near = [lower[name] for name in get_close_matches(text.lower(), lower, _NEAR, 0.5)]
        near += [name for name in known if text and text.lower() in name.lower() and name not in near]
        if near:
            return f"no {what} named {text!r}; did you mean {', '.join(near[:_NEAR])}?"
        some = ", ".join(known[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
        return f"no {what} named {text!r}; known: {some or 'none'}"


def _splits(text: str, separator: str) -> list[tuple[str, str]]:
    """Split a text in two at each occurrence of a separator, in all ways."""
    pieces = text.split(separator)
    return [(separator.join(pieces[:at]), separator.join(pieces[at:])) for at in range(1, len(pieces))]


def _matched(text: str, known: Collection[str]) -> str | None:
    """Find the known name that equals a text without surrounding blanks, or else also ignoring case."""
    for wanted in (text, text.strip()):
        if wanted in known:
            return wanted
    matches = [name for name in known if name.lower() == text.strip().lower()]
    return matches[0] if len(matches) == 1 else None
