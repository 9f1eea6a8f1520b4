"""Recognise OTLP requests with spans among the bytes of other messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from tracetui.ingest.formats.protobuf_wire import BYTES, NO_END, fields

SCOPE_SPANS = frozenset({2 << 3 | BYTES, 1000 << 3 | BYTES})
"""Tags of ScopeSpans in ResourceSpans: the current one, and that of `instrumentation_library_spans`."""

_SPAN_WIRES = dict(enumerate((2, 2, 2, 2, 2, 0, 1, 1, 2, 0, 2, 0, 2, 0, 2, 5), start=1))
_TRIED_SPANS = 16


def looks_like_request(data: bytes | memoryview) -> bool:
    """Test whether the bytes hold OTLP spans, unlike requests with logs, metrics or nothing."""
    return wrappers(bytes(data)) is not None


def wrappers(data: bytes) -> int | None:
    """Count the messages around a request: 0, or 1 for Tempo's v2 API. None if it is not a request."""
    for count in (0, 1):
        spans = islice(_span_ranges(data, 0, NO_END, count + 2), _TRIED_SPANS)
        if any(_is_span(data, start, stop) for start, stop in spans):
            return count
    return None


def _span_ranges(data: bytes, at: int, end: int, levels: int) -> Iterator[tuple[int, int]]:
    # from the outside in: one or two messages in field 1, then ScopeSpans, then spans in field 2
    for tag, start, stop in _intact_fields(data, at, end):
        if levels == 0 and tag == 0x12:
            yield start, stop
        elif (levels == 1 and tag in SCOPE_SPANS) or (levels >= 2 and tag == 0x0A):
            yield from _span_ranges(data, start, stop, levels - 1)


def _intact_fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the fields before the first damaged one: damage in a message does not affect those beside it."""
    with suppress(ValueError):
        yield from fields(data, at, end)


def _is_span(data: bytes, at: int, end: int) -> bool:
    sizes = {}
    for tag, start, stop in _intact_fields(data, at, end):
        if _SPAN_WIRES.get(tag >> 3, tag & 7) != tag & 7:
            return False
        sizes[tag] = stop - start
    # a metric may have a name of 16 bytes and a description of 8, but not a kind and times like a span
    return sizes.get(0x0A) == 16 and sizes.get(0x12) == 8 and not sizes.keys().isdisjoint((0x30, 0x39, 0x41))


def is_protobuf(payload: bytes) -> bool:
    """Test whether the payload of a record is protobuf, not JSON.

    If the first message has 91 or 123 bytes, its tag and length look like a line break followed by `[` or `{`.
    """
    return payload[:1] == b"\x0a" and (consists_of_resources(payload) or looks_like_request(payload))


def consists_of_resources(payload: bytes) -> bool:
    """Test whether the bytes consist of fields with number 1, as requests of every signal do."""
    try:
        return all(tag == 0x0A for tag, _, _ in fields(payload, 0, len(payload)))
    except ValueError:
        return False
