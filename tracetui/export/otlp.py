"""Export to OTLP JSON, and to lines of it, the format that loses the least."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from tracetui.export.common import (
    INT64,
    NESTING_LIMIT,
    Json,
    base64_text,
    batches,
    fixed64,
    hex_id,
    json_bytes,
    json_float,
    json_text,
    source_warnings,
    spans_in_input_order,
    unique_keys,
)
from tracetui.export.exporter import NESTED, Exporter, Losses
from tracetui.ingest.formats.error_rule import decide_status
from tracetui.ingest.formats.saved_fields import FIELD, INTEGER, SavedFields, flag_names
from tracetui.ingest.formats.value_nesting import SKIPPED, VALUE_NESTING
from tracetui.model.ids import canonical_trace_id
from tracetui.model.span import Attributes, Flag, Link, Span, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracetui.model.traces import TraceSet

Scopes = dict[tuple[str, str], list[Span]]
_Write = Callable[[Attributes], list[Json]]


def otlp_json(spans: Iterable[Span]) -> bytes:
    """Encode spans as one `TracesData` object.

    Lost: the FOLLOWS_FROM kind of parents, and warnings. Times are limited to 1 .. 2^64 ns, as 0 is a missing one. An
    id that is not hex, too long, or all zeros is replaced by its hash, the same in every reference. Integers beyond 64
    bits become text.
    """
    return json_bytes(traces_data(unique_keys(spans)))


def otlp_json_lines(spans: Iterable[Span], spans_per_line: int = 1000) -> bytes:
    """Encode spans in the OTLP file format: one `TracesData` object per line, in order. Lost: as `otlp_json`."""
    return b"".join(json_bytes(traces_data(batch)) + b"\n" for batch in batches(unique_keys(spans), spans_per_line))


class ExactAttributes:
    """Writes attributes so that this program reads them back unchanged, and counts lost values.

    OTLP has no integers beyond 64 bits: they become text with an extra field of this program, which other readers
    ignore.
    """

    def __init__(self) -> None:
        self.lost = 0
        """Number of values that were nested too deeply."""

    def __call__(self, attributes: Attributes) -> list[Json]:
        return [{"key": key, "value": self._value(value)} for key, value in attributes.items()]

    def _value(self, value: Value, depth: int = 0) -> Json:
        match value:
            case list() | dict() if depth >= VALUE_NESTING:
                self.lost += 1
                return {"stringValue": SKIPPED}
            case str() if value == SKIPPED:
                self.lost += 1
                return {"stringValue": value}
            case list():
                return {"arrayValue": {"values": [self._value(item, depth + 1) for item in value]}}
            case dict():
                pairs = [{"key": key, "value": self._value(item, depth + 1)} for key, item in value.items()]
                return {"kvlistValue": {"values": pairs}}
            case int() if not isinstance(value, bool) and value not in INT64:
                return {"stringValue": str(value), FIELD: INTEGER}
            case _:
                return _any_value(value)


def saved_trace(
    spans: Iterable[Span],
    trace_warnings: Sequence[str] = (),
    *,
    attributes: ExactAttributes,
    keep_order: bool = False,
    spans_per_line: int = 1000,
) -> bytes:
    """Encode the spans of one trace as lines of the OTLP file format that this program reads back exactly.

    Fields that OTLP lacks are those of `formats.saved_fields`. attributes: writes attributes, and counts lost values.
    keep_order: keep the order of the spans, which takes more space, instead of grouping by resource and scope. Link ids
    that are not hex are kept.
    """
    write = _SavedSpans(trace_warnings, attributes)
    lines = []
    for batch in batches(spans, spans_per_line):
        runs = [list(run) for _, run in groupby(batch, _resource_and_scope)] if keep_order else [batch]
        parts = [part for run in runs for part in _resource_spans(run, write, attributes)]
        lines.append(json_bytes({"resourceSpans": parts}) + b"\n")
    return b"".join(lines)


def _resource_and_scope(span: Span) -> tuple[str, str, str, str]:
    return span.service, json_text(dict(span.resource)), span.scope_name, span.scope_version


class _SavedSpans:
    """Writes the spans of one trace with the fields that OTLP lacks."""

    def __init__(self, trace_warnings: Sequence[str], attributes: ExactAttributes) -> None:
        self._attributes = attributes
        self._first: SavedFields | None = SavedFields(traceWarnings=list(trace_warnings))

    def __call__(self, span: Span) -> Json:
        written = _otlp_span(span, self._attributes)
        if span.links:
            written["links"] = [_link(link, self._attributes) | _odd_ids(link) for link in span.links]
        saved, first = (self._first or SavedFields()), self._first is not None
        self._first = None
        trace_id = written["traceId"]
        # one span has the original spelling of the trace id; every span, if the id was replaced
        if span.trace_id != trace_id and (first or canonical_trace_id(span.trace_id) != trace_id):
            saved.traceId = span.trace_id
        saved.spanId = span.span_id if span.span_id != written["spanId"] else None
        saved.parentSpanId = span.parent_id if span.parent_id != written.get("parentSpanId") else None
        if decide_status(span.kind, span.status, span.attributes)[1] != span.error:
            saved.error = span.error
        saved.flag_names = flag_names(span.flags)
        saved.warnings = source_warnings(span)
        if saved != SavedFields() or span.start_ns <= 0:
            written[FIELD] = msgspec.to_builtins(saved)
        return written


def traces_data(spans: Iterable[Span]) -> Json:
    """Group spans by resource and scope, in the order of their first spans."""
    return {"resourceSpans": _resource_spans(spans, _plain_span, _otlp_attributes)}


def _resource_spans(spans: Iterable[Span], write: Callable[[Span], Json], write_attributes: _Write) -> list[Json]:
    groups: dict[tuple[str, str], tuple[Attributes, Scopes]] = {}
    for span in spans:
        key = (span.service, json_text(dict(span.resource)))
        if key not in groups:
            groups[key] = ({"service.name": span.service, **span.resource}, {})
        groups[key][1].setdefault((span.scope_name, span.scope_version), []).append(span)
    return [
        {
            "resource": {"attributes": write_attributes(resource)},
            "scopeSpans": [
                {"scope": _filled(name=name, version=version), "spans": [write(span) for span in members]}
                for (name, version), members in scopes.items()
            ],
        }
        for resource, scopes in groups.values()
    ]


def _filled(**fields: object) -> Json:
    """Drop empty fields: a missing one means its default, in JSON as on the wire."""
    return {name: content for name, content in fields.items() if content}


def _odd_ids(link: Link) -> Json:
    """Return the ids of a link that OTLP does not allow, so that they still match spans of the file."""
    ids: Json = {}
    for field, text, digits in (("traceId", link.trace_id, 32), ("spanId", link.span_id, 16)):
        if hex_id(text, digits) != text.rjust(digits, "0"):
            ids[field] = text
    return ids


def _link_attributes(link: Link) -> Attributes:
    """Add the kind of a Jaeger link under its OpenTelemetry name."""
    kind: Attributes = {"opentracing.ref_type": link.kind.lower()} if link.kind else {}
    return {**link.attributes, **kind}


def _otlp_attributes(attributes: Attributes) -> list[Json]:
    return [{"key": key, "value": _any_value(value)} for key, value in attributes.items()]


def _any_value(value: Value, depth: int = 0) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int() if value in INT64:
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": json_float(value)}
        case bytes():
            return {"bytesValue": base64_text(value)}
        case list() if depth < NESTING_LIMIT:
            return {"arrayValue": {"values": [_any_value(item, depth + 1) for item in value]}}
        case dict() if depth < NESTING_LIMIT:
            pairs = [{"key": key, "value": _any_value(item, depth + 1)} for key, item in value.items()]
            return {"kvlistValue": {"values": pairs}}
        case None | list() | dict():
            return {}
        case _:
            return {"stringValue": str(value)}


def _otlp_span(span: Span, write_attributes: _Write = _otlp_attributes) -> Json:
    return _filled(
        traceId=hex_id(span.trace_id, 32),
        spanId=hex_id(span.span_id, 16),
        parentSpanId="" if span.parent_id is None else hex_id(span.parent_id, 16),
        name=span.name,
        kind=int(span.kind),
        startTimeUnixNano=fixed64(span.start_ns),
        endTimeUnixNano=fixed64(span.end_ns),
        attributes=write_attributes(span.attributes),
        events=[
            _filled(timeUnixNano=fixed64(event.time_ns), name=event.name, attributes=write_attributes(event.attributes))
            for event in span.events
        ],
        links=[_link(link, write_attributes) for link in span.links],
        status=_filled(message=span.status_message, code=int(span.status)),
    )


def _plain_span(span: Span) -> Json:
    """Encode a span for readers to whom a time of 0 is a missing one.

    A duration without a start, and one from the epoch on, begin 1 ns after it, as the duration would be lost.
    """
    start, end = max(span.start_ns, 1), max(span.start_ns, 1) + span.duration_ns
    if Flag.NO_DURATION in span.flags:
        start, end = 0 if Flag.START_REPAIRED in span.flags else start, 0
    return {**_otlp_span(span), "startTimeUnixNano": fixed64(start), "endTimeUnixNano": fixed64(end)}


def _link(link: Link, write_attributes: _Write) -> Json:
    return _filled(
        traceId=hex_id(link.trace_id, 32),
        spanId=hex_id(link.span_id, 16),
        attributes=write_attributes(_link_attributes(link)),
    )


def _encode(traces: TraceSet, losses: Losses) -> Iterator[bytes]:
    """Encode a set so that this program reads the same traces back; see `saved_trace`.

    Lost: values nested deeper than 64 levels.
    """
    attributes = ExactAttributes()
    for trace in range(traces.trace_count):
        spans = spans_in_input_order(traces, trace)
        warnings = traces.trace_warnings.get(trace, ())
        yield saved_trace(spans, warnings, attributes=attributes, keep_order=_has_ties(traces, trace))
    losses[NESTED] += attributes.lost


EXPORTER: Final = Exporter(
    name="otlp-json", description="OTLP JSON lines", suffixes=(".json", ".jsonl", ".ndjson"), encode=_encode
)


def _has_ties(traces: TraceSet, trace: int) -> bool:
    """Test whether siblings begin at the same time within their parent, so that their input order matters."""
    spans = traces.spans_of(trace)
    at = slice(spans.start, spans.stop)
    parent = traces.parent[at]
    start = np.maximum(traces.start[at], np.where(parent >= 0, traces.start[parent], 0))
    order = np.lexsort((start, parent))
    together = (np.diff(parent[order]) == 0) & (np.diff(start[order]) == 0)
    return bool(together.any())
