"""Spans that lead to a service, an operation or a call, and spans within it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.calls import Calls, nearest_of
from tracetui.analysis.service_graph import ServiceGraph, Target
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, eq=False)
class Reach:
    """A target in terms of a set's spans: bool[n] per span unless stated otherwise."""

    own: np.ndarray
    """The target's own spans; of an inferred peer the spans that called it."""
    nearest: np.ndarray
    """int64[n], per span the nearest of those at or above it, -1 for none."""
    leads: np.ndarray
    """Spans of the target, or with some of it below them, also through asynchronous links."""


@dataclass(frozen=True, eq=False)
class Parts:
    """A service's part in a trace: its topmost spans there.

    `span` is int64[m], service by service and ascending in each; service `s` has `first[s]:first[s + 1]` of them.
    """

    span: np.ndarray
    first: np.ndarray

    def of(self, service: int) -> np.ndarray:
        """int64, the topmost spans of a service, ascending."""
        spans: np.ndarray = self.span[self.first[service] : self.first[service + 1]]
        return spans


def parts(traces: TraceSet) -> Parts:
    """Find the topmost spans of every service."""
    service = traces.service
    entry = np.flatnonzero((traces.parent < 0) | (service != service[traces.parent]))
    entry = entry[np.argsort(service[entry], kind="stable")]
    # a subtree is a range, so what begins within an earlier one of the same service is below it
    block = service[entry].astype(np.int64) * (len(traces) + 1)
    reached = np.maximum.accumulate(block + traces.subtree_end[entry])
    topmost = np.ones(len(entry), bool)
    topmost[1:] = block[1:] + entry[1:] >= reached[:-1]
    span = entry[topmost]
    return Parts(span, np.searchsorted(service[span], np.arange(len(traces.services) + 1)))


def own_spans(graph: ServiceGraph, target: Target) -> np.ndarray:
    """bool[n], the spans of a target."""
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
    """See a target from every span."""
    traces = graph.traces
    own = own_spans(graph, target)
    return Reach(own, nearest(traces, own), _leading(traces, graph.calls, own))


def nearest(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """spans: bool[n]. -> int64[n], per span the nearest of those at or above it, -1 for none"""
    return nearest_of(traces.parent, spans)


def below(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """spans: bool[n]. -> bool[n], those and everything below them"""
    step = np.zeros(len(traces) + 1, np.int64)
    tops = np.flatnonzero(spans)
    step[tops] += 1
    np.subtract.at(step, traces.subtree_end[tops], 1)
    inside: np.ndarray = np.cumsum(step[:-1]) > 0
    return inside


def counts_below(traces: TraceSet, values: np.ndarray) -> np.ndarray:
    """values: int64[n] or bool[n]. -> int64[n], their sum over each span and everything below it"""
    before = np.zeros(len(traces) + 1, np.int64)
    np.cumsum(values, out=before[1:])
    sums: np.ndarray = before[traces.subtree_end] - before[:-1]
    return sums


def led_to(traces: TraceSet, calls: Calls, spans: np.ndarray) -> np.ndarray:
    """spans: bool[n]. -> bool[n], those and everything below them, also by way of asynchronous links"""
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
        # what it points back to led here, too, and all above that
        here[new] = True
