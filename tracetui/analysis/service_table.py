"""Services as a table: their figures, their order, and example calls to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.dependencies import ServiceFigures, self_calls
from tracetui.model.traces import TraceSet


class ServiceTable:
    """Figures of a set's services and of the calls between them."""

    def __init__(self, analysis: Analysis) -> None:
        traces, calls, found = analysis.traces, analysis.calls, analysis.dependencies
        self.traces = traces
        self.calls = calls
        self.graph = analysis.graph
        self.criticality = {one.service: one for one in analysis.criticality}
        self.cycles = analysis.graph.cycles
        self.services: tuple[ServiceFigures, ...] = found.services
        self.number = {figures.service: i for i, figures in enumerate(self.services)}
        self.folded = _words(traces, self.services)
        self.node = {name: i for i, name in enumerate(calls.nodes)}
        self._self_calls = self_calls(traces)
        self.few_samples = any(f.latency.small_sample_range is not None for f in self.services)
        parts = [self.criticality[f.service] for f in self.services]
        self._columns = {
            "rank": np.array([-one.rank for one in parts], np.float64),
            "callers": np.array([one.callers for one in parts], np.float64),
            "callees": np.array([self.graph.direct_counts(f.service)[1] for f in self.services], np.float64),
            "entries": np.array([len(one.entry_operations) for one in parts], np.float64),
            "between": np.array([one.betweenness for one in parts], np.float64),
            "calls": np.array([f.call_count for f in self.services], np.float64),
            "errors": np.array([f.error_rate for f in self.services], np.float64),
            "p50": np.array([f.latency.p50_ns for f in self.services], np.float64),
            "p95": np.array([f.latency.p95_ns for f in self.services], np.float64),
            "name": np.arange(len(self.services), dtype=np.float64),
        }

    def order(self, sorting: str, descending: bool) -> np.ndarray:
        """Return the positions of the services in the order of a column, int64[services]; ties by name.

        Columns: rank, callers, callees, entries, between, calls, errors, p50, p95, name.
        """
        column = self._columns[sorting]
        return np.argsort(-column if descending else column, kind="stable")

    def self_calls(self, service: str) -> int:
        """Count a service's calls to itself."""
        node = self.node[service]
        return int(self._self_calls[node]) if node < len(self._self_calls) else 0

    def calls_of_peer(self, peer: str, caller: str = "", most: int = 100) -> list[int]:
        """Return at most `most` calls to an inferred peer, evenly sampled; optionally from one caller."""
        calls = self.calls
        spans = np.flatnonzero(calls.peer == self.node[peer])
        if caller:
            spans = spans[self.traces.service[spans] == self.node[caller]]
        chosen: list[int] = spans[:: max(len(spans) // most, 1)][:most].tolist()
        return chosen

    def slowest_call(self, service: str) -> int | None:
        """Return the span of the slowest call to a service from another, or None."""
        spans = self.calls.span[self.calls.callee == self.node[service]]
        return int(spans[np.argmax(self.traces.duration[spans])]) if len(spans) else None


def _words(traces: TraceSet, services: Sequence[ServiceFigures]) -> list[str]:
    """Return the search text of each service: its name and its operations."""
    found = {figures.service: [figures.service] for figures in services}
    for operation in np.unique(traces.operation).tolist():
        service, name = traces.operation_label(operation)
        found[service].append(name)
    return ["\n".join(words).casefold() for words in found.values()]
