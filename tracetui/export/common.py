"""Common parts of the export formats: ids, values and texts."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np
import orjson

from tracetui.export.exporter import Losses
from tracetui.model.span import Attributes, Flag, Span, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tracetui.model.traces import TraceSet

Json = dict[str, object]

SAFE_INTEGER = 2**53 - 1
"""Largest integer that is exact in readers that only have doubles."""

NESTING_LIMIT = 32
"""Levels of lists and maps in an attribute value that are written."""

_SPANS_PER_PIECE = 1000

INT64 = range(-(2**63), 2**63)

HEX = re.compile("[0-9a-f]+")


FLAGS_WITH_TEXT = Flag.warnings() & ~Flag.SOURCE_WARNING
"""Flags with a warning each, listed before the source's warnings about a span."""


def source_warnings(span: Span) -> list[str]:
    """List the source's warnings about a span, without those of flags, which a reader derives again."""
    return list(span.warnings[(span.flags & FLAGS_WITH_TEXT).bit_count() :])


def spans_in_input_order(traces: TraceSet, trace: int) -> Iterator[Span]:
    """Yield the spans of a trace, without log records among their events."""
    at = traces.spans_of(trace)
    for position in np.argsort(traces.order[at.start : at.stop], kind="stable") + at.start:
        span = traces.span(int(position))
        if any(event.is_log for event in span.events):
            span = replace(span, events=tuple(event for event in span.events if not event.is_log))
        yield span


def spans_in(traces: TraceSet) -> Iterator[Span]:
    """Yield the spans of a set, trace by trace, each in input order."""
    for trace in range(traces.trace_count):
        yield from spans_in_input_order(traces, trace)


def count_warnings(traces: TraceSet, losses: Losses) -> None:
    """Count the source's warnings and FOLLOWS_FROM parents as lost, for formats that cannot store them."""
    of_spans = (
        source_warnings(traces.span(int(span))) for span in np.flatnonzero(traces.flags & int(Flag.SOURCE_WARNING))
    )
    losses["warning{} of the source"] += sum(map(len, of_spans)) + sum(map(len, traces.trace_warnings.values()))
    losses["FOLLOWS_FROM reference{} to parents"] += int(np.count_nonzero(traces.flags & int(Flag.FOLLOWS_FROM)))


_WARNINGS: Final = {
    Flag.CYCLE_CUT: "warning{} about a parent cycle",
    Flag.START_REPAIRED: "warning{} about a missing start",
    Flag.NEGATIVE_DURATION: "warning{} about a negative duration",
    Flag.NO_DURATION: "missing duration{} (written as 0)",
    Flag.SKEW_ADJUSTED: "warning{} about clock skew",
    Flag.SHORTENED: "warning{} about parts over the size limit",
    Flag.OUT_OF_RANGE: "warning{} about a time out of range",
}
"""Flags that a reader cannot derive from the fields of a format, unless the format says that something is missing."""


def count_flags(traces: TraceSet, losses: Losses, kept: Flag) -> None:
    """Count the flags of spans as lost, except those that the format can represent."""
    for flag, what in _WARNINGS.items():
        if flag not in kept:
            losses[what] += int(np.count_nonzero(traces.flags & int(flag)))


def count_fractions(span: Span, losses: Losses) -> None:
    """Count the times of a span below a microsecond as lost: its start, its duration and its events."""
    times = (span.start_ns, span.duration_ns, *(event.time_ns for event in span.events))
    losses["time{} below 1 µs"] += sum(time % 1_000 > 0 for time in times)


def json_items(spans: Iterable[Span], encode: Callable[[Span], Json]) -> Iterator[bytes]:
    """Encode spans as the items of a JSON array, without its brackets, in pieces."""
    for number, batch in enumerate(batches(spans, _SPANS_PER_PIECE)):
        yield b"," * bool(number) + json_bytes([encode(span) for span in batch])[1:-1]


def with_otel_tags(span: Span) -> Attributes:
    """Add the attributes that OpenTelemetry uses in formats with only tags.

    Existing tags of the span are kept.
    """
    fields = {
        "otel.scope.name": span.scope_name,
        "otel.scope.version": span.scope_version,
        "otel.status_code": span.status.name if span.status else "",
        "otel.status_description": span.status_message,
    }
    return {**{key: text for key, text in fields.items() if text}, **span.attributes}


def with_ids(spans: Iterable[Span]) -> Iterator[Span]:
    """Give each span without an id a unique one: readers would mistake several in one trace for one span."""
    for number, span in enumerate(spans):
        yield span if span.span_id.strip("0") else replace(span, span_id=hashed(f"no id {number}", 16))


def unique_keys(spans: Iterable[Span]) -> Iterator[Span]:
    """Give every span an id, and the halves of a Zipkin RPC separate ones, as all other formats require.

    The server half becomes a child of the client half with a new id; children in the server's service follow it.
    """
    spans = list(with_ids(spans))
    halves = {(span.trace_id, span.span_id): span for span in spans if Flag.SHARED in span.flags}
    whole = {(span.trace_id, span.span_id) for span in spans if Flag.SHARED not in span.flags} if halves else set()
    for span in spans:
        own, above = (span.trace_id, span.span_id), (span.trace_id, span.parent_id or "")
        if own in halves and own in whole and span is halves[own]:
            yield replace(span, span_id=hashed(span.span_id, 16), parent_id=span.span_id)
        elif above in halves and above in whole and span.service == halves[above].service:
            yield replace(span, parent_id=hashed(above[1], 16))
        else:
            yield span


def batches(spans: Iterable[Span], size: int) -> Iterator[list[Span]]:
    """Yield the spans in lists of this size; the last one may be shorter."""
    rest = iter(spans)
    while batch := list(islice(rest, size)):
        yield batch


def hex_id(text: str, digits: int) -> str:
    """Pad a hex id to this number of digits; hash one that is not hex, too long, or all zeros."""
    hexadecimal = text.lower()
    if len(text) > digits or not HEX.fullmatch(hexadecimal) or not hexadecimal.strip("0"):
        return hashed(text, digits)
    return hexadecimal.zfill(digits)


def hashed(text: str, digits: int) -> str:
    """Hash a text to this number of hex digits."""
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=digits // 2).hexdigest()


def fixed64(number: int) -> str:
    """Format an unsigned 64-bit integer for protobuf's JSON; others are clipped."""
    return str(min(max(number, 0), 2**64 - 1))


def base64_text(value: bytes) -> str:
    """Encode bytes as base64."""
    return base64.b64encode(value).decode()


def json_float(value: float) -> float | str:
    """Convert NaN and infinities, which JSON lacks, to the names in protobuf's JSON, as Jaeger and OTLP do."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def as_text(value: Value) -> str:
    """Convert an attribute value to text: '' for null, JSON for booleans, lists and maps."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bytes():
            return base64_text(value)
        case float():
            return str(json_float(value))
        case int() if not isinstance(value, bool):
            return str(value)
        case _:
            return json_text(value)


def json_text(value: Value) -> str:
    """Encode an attribute value as JSON text."""
    return json_bytes(_plain(value)).decode()


def _plain(value: Value, depth: int = 0) -> object:
    """Convert a value to plain JSON types."""
    match value:
        case bytes():
            return base64_text(value)
        case float():
            return json_float(value)
        case list() | dict() if depth >= NESTING_LIMIT:
            return None
        case list():
            return [_plain(item, depth + 1) for item in value]
        case dict():
            return {key: _plain(item, depth + 1) for key, item in value.items()}
        case _:
            return value


def json_bytes(value: object) -> bytes:
    """Encode plain JSON types as JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # orjson rejects lone surrogates and integers beyond 64 bits, which are valid JSON and occur in sources
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
