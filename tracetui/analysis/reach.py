"""Spans that lead to a service, an operation or a call, and spans within it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.calls import Calls, nearest_of
from tracetui.analysis.service_graph import ServiceGraph, Target
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, eq=False)
class Reach:
    """Target as columns of spans, bool[n] unless stated otherwise."""

    own: np.ndarray
    """Spans of the target; for an inferred peer the spans that called it."""
    nearest: np.ndarray
    """int64[n], for each span the nearest of those at or above it; -1 for none."""
    leads: np.ndarray
    """Spans of the target, and all spans above these, also through asynchronous links."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Parts of services in traces, by their topmost spans.

    `span` is int64[m], service by service, ascending within each; service `s` is `first[s]:first[s + 1]`.
    """

    span: np.ndarray
    first: np.ndarray

    def of(self, service: int) -> np.ndarray:
        """Return the topmost spans of a service: int64, ascending."""
        spans: np.ndarray = self.span[self.first[service] : self.first[service + 1]]
        return spans


def parts(traces: TraceSet) -> Parts:
    """Find the topmost spans of every service."""
    service = traces.service
    entry = np.flatnonzero((traces.parent < 0) | (service != service[traces.parent]))
    entry = entry[np.argsort(service[entry], kind="stable")]
    # a subtree is a range, so a span within an earlier range of the same service is below it
    block = service[entry].astype(np.int64) * (len(traces) + 1)
    reached = np.maximum.accumulate(block + traces.subtree_end[entry])
    topmost = np.ones(len(entry), bool)
    topmost[1:] = block[1:] + entry[1:] >= reached[:-1]
    span = entry[topmost]
    return Parts(span, np.searchsorted(service[span], np.arange(len(traces.services) + 1)))


def own_spans(graph: ServiceGraph, target: Target) -> np.ndarray:
    """bool[n], spans of a target."""
    traces, calls = graph.traces, graph.calls
    (node,) = graph.node_numbers([target.service])
    own = np.zeros(len(traces), bool)
    if target.caller:
        (caller,) = graph.node_numbers([target.caller])
        own[calls.span[(calls.caller == caller) & (calls.callee == node)]] = True
        return own
    if node < calls.first_peer:
        own |= traces.service == node
    if target.operation:
        own &= np.array([shape == target.operation for shape in traces.shapes], bool)[traces.shape]
    else:
        own |= calls.peer == node
    return own


def reach(graph: ServiceGraph, target: Target) -> Reach:
    """Compute the `Reach` of a target."""
    traces = graph.traces
    own = own_spans(graph, target)
    return Reach(own, nearest(traces, own), _leading(traces, graph.calls, own))


def nearest(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """Find for each span the nearest of these at or above it: int64[n], -1 for none. spans: bool[n]."""
    return nearest_of(traces.parent, spans)


def below(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """Extend spans, bool[n], to everything below them: bool[n]."""
    step = np.zeros(len(traces) + 1, np.int64)
    tops = np.flatnonzero(spans)
    step[tops] += 1
    np.subtract.at(step, traces.subtree_end[tops], 1)
    inside: np.ndarray = np.cumsum(step[:-1]) > 0
    return inside


def counts_below(traces: TraceSet, values: np.ndarray) -> np.ndarray:
    """Sum values over each span and everything below it: int64[n]. values: int64[n] or bool[n]."""
    before = np.zeros(len(traces) + 1, np.int64)
    np.cumsum(values, out=before[1:])
    sums: np.ndarray = before[traces.subtree_end] - before[:-1]
    return sums


def led_to(traces: TraceSet, calls: Calls, spans: np.ndarray) -> np.ndarray:
    """Extend spans, bool[n], to everything below them, also through asynchronous links: bool[n]."""
    linking, linked = calls.span[calls.by_link], calls.caller_span[calls.by_link]
    here = spans.copy()
    while True:
        inside = below(traces, here)
        new = linking[inside[linked] & ~inside[linking]]
        if not len(new):
            return inside
        here[new] = True


def _leading(traces: TraceSet, calls: Calls, own: np.ndarray) -> np.ndarray:
    linking, linked = calls.span[calls.by_link], calls.caller_span[calls.by_link]
    here = own.copy()
    while True:
        leads: np.ndarray = counts_below(traces, here) > 0
        new = linked[leads[linking] & ~leads[linked]]
        if not len(new):
            return leads
        # the target of the link also led here, and all spans above it
        here[new] = True
