"""Part of a trace in which a word was found, to explain why a search lists the trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tracetui.analysis.span_search import WordSearch, value_parts
from tracetui.model.ids import canonical_trace_id
from tracetui.model.span import Attributes
from tracetui.model.traces import TraceSet


class MatchingField(NamedTuple):
    """Field that contains a word, its value, and the span that has it; for the trace id the main root."""

    field: str
    value: str
    span: int


def find_match(traces: TraceSet, trace: int, word: str) -> MatchingField | None:
    """Find a part of a trace that contains a word, as `span_search` defines it; None for none."""
    sought, trace_id = word.lower(), traces.trace_ids[trace]
    search = WordSearch(traces, word)
    span = search.first_match(np.asarray(traces.spans_of(trace)))
    if span is None:
        is_id = any(text.startswith(sought) for text in (trace_id.lower(), canonical_trace_id(trace_id).lstrip("0")))
        return MatchingField("trace id", trace_id, int(traces.main_root[trace])) if is_id else None
    for field, value in _parts(traces, span):
        if sought in value.lower() or sought in f"{field}={value}".lower():
            return MatchingField(field, value, span)
    return MatchingField("span id", traces.span_id(span), span)


def _parts(traces: TraceSet, span: int) -> Iterator[tuple[str, str]]:
    """Yield the searched parts of a span as field and value, those that are read first."""
    one = traces.span(span)
    yield "service", one.service
    yield "operation", one.name
    yield "status message", one.status_message
    yield from _attributes(one.attributes)
    yield from _attributes(one.resource)
    for event in one.events:
        yield "log" if event.is_log else "event", event.name
        yield from _attributes(event.attributes)
    for link in one.links:
        yield from _attributes(link.attributes)
        yield "link", link.trace_id
        yield "link", link.span_id


def _attributes(attributes: Attributes) -> Iterator[tuple[str, str]]:
    for key, value in attributes.items():
        # the name of an empty value counts, too
        yield from ((key, part) for part in [*value_parts(value)] or [""])
