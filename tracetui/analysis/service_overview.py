"""Overview of a service and everything connected to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.dependencies import ServiceFigures, self_calls
from tracetui.analysis.latency import Latency, latency
from tracetui.analysis.reach import own_spans
from tracetui.analysis.service_graph import ServiceGraph, Target
from tracetui.analysis.service_questions import Neighbour, neighbours
from tracetui.analysis.stats.groups import group_slices


@dataclass(frozen=True, slots=True)
class OperationFigures:
    """Calls that entered a service at one of its operations."""

    operation: str
    call_count: int
    error_count: int
    latency: Latency

    @property
    def error_rate(self) -> float:
        """In percent of the calls."""
        return 100 * self.error_count / self.call_count if self.call_count else 0.0


@dataclass(frozen=True, slots=True)
class ServiceOverview:
    """Overview of a service or inferred peer."""

    figures: ServiceFigures
    trace_count: int
    """Number of traces with a span of the service or a call to it."""
    trace_share: float
    """These traces in percent of all."""
    callers: tuple[Neighbour, ...]
    callees: tuple[Neighbour, ...]
    operations: tuple[OperationFigures, ...]
    """Operations, most called first; an inferred peer has none."""
    self_call_count: int
    """Number of calls to itself."""


def overview(graph: ServiceGraph, target: Target) -> ServiceOverview:
    """Find everything connected to a service or inferred peer."""
    traces = graph.traces
    own = np.flatnonzero(own_spans(graph, target))
    count = len(np.unique(traces.trace[own]))
    operations = []
    if not graph.figures[target.service].inferred:
        entries = np.intersect1d(own, graph.calls.entries, assume_unique=True)
        order, distinct, first = group_slices(traces.shape[entries])
        for shape, begin, end in zip(distinct.tolist(), first[:-1].tolist(), first[1:].tolist(), strict=True):
            spans = entries[order[begin:end]]
            errors = int(traces.error[spans].sum())
            found = latency(traces.known_durations(spans))
            operations.append(OperationFigures(traces.shapes[shape], len(spans), errors, found))
    return ServiceOverview(
        figures=graph.figures[target.service],
        trace_count=count,
        trace_share=100 * count / traces.trace_count,
        callers=tuple(neighbours(graph, target, upstream=True)),
        callees=tuple(neighbours(graph, target, upstream=False)),
        operations=tuple(sorted(operations, key=lambda one: (-one.call_count, one.operation))),
        self_call_count=int(self_calls(traces)[traces.services.index(target.service)]) if operations else 0,
    )
