"""Links between spans, followed backwards: the spans that link to a span or to its trace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.model.ids import span_keys
from tracetui.model.span_index import SpanIndex
from tracetui.model.traces import TraceSet

MAX_AT_ONCE = 20_000
"""Largest number of spans with links that are read without being asked for."""


@dataclass(frozen=True, eq=False)
class IncomingLinks:
    """Links to loaded traces, as columns, sorted by the trace that they lead to and by the start of their span."""

    trace: np.ndarray
    """int64[m], the trace that a link leads to."""
    span: np.ndarray
    """int64[m], the span that it leads to; -1 if that is not loaded."""
    source: np.ndarray
    """int64[m], the span that has the link."""

    def to(self, traces: TraceSet, span: int) -> np.ndarray:
        """Return the spans that link to a span, or for a main root to its trace from others: int64[k], by start."""
        trace = int(traces.trace[span])
        low, high = np.searchsorted(self.trace, (trace, trace + 1))
        chosen = self.span[low:high] == span
        source = self.source[low:high]
        if span == int(traces.main_root[trace]):
            chosen |= traces.trace[source] != trace
        found, first = np.unique(source[chosen], return_index=True)
        ordered: np.ndarray = found[np.argsort(first)]
        return ordered


def linking_spans(traces: TraceSet) -> np.ndarray:
    """Find the spans that have links, without reading these: int64[k]."""
    return np.flatnonzero(traces.link_bytes > 0)


def read_incoming_links(traces: TraceSet) -> IncomingLinks:
    """Read all links of a set in one pass; cached with the set."""
    known = known_incoming_links(traces)
    if known is None:
        known = traces.results[read_incoming_links] = _read(traces)
    return known


def known_incoming_links(traces: TraceSet) -> IncomingLinks | None:
    """Return the links of a set if they have been read, or if there are none."""
    known: IncomingLinks | None = traces.results.get(read_incoming_links)
    if known is None and not traces.link_bytes.any():
        known = traces.results[read_incoming_links] = _NO_LINKS
    return known


def _read(traces: TraceSet) -> IncomingLinks:
    sources: list[int] = []
    led_to: list[int] = []
    ids: list[str] = []
    for span in linking_spans(traces).tolist():
        for link in traces.links(span):
            trace = traces.find_trace(link.trace_id) if link.trace_id else int(traces.trace[span])
            if trace is not None:
                sources.append(span)
                led_to.append(trace)
                ids.append(link.span_id)
    if not sources:
        return _NO_LINKS
    source, target = np.array(sources), np.array(led_to)
    found = SpanIndex(traces.trace, traces.key).find(target, span_keys(ids)[0])
    order = np.lexsort((source, traces.start[source], target))
    return IncomingLinks(target[order], found[order], source[order])


_NO_LINKS = IncomingLinks(*(np.zeros(0, np.int64) for _ in range(3)))
