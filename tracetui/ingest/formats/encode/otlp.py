"""Spans to OTLP JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracetui.ingest.formats.encode.shared import (
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
    told_apart,
)
from tracetui.model.span import Attributes, Link, Span, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

Scopes = dict[tuple[str, str], list[Span]]


def otlp_json(spans: Iterable[Span]) -> bytes:
    """One `TracesData` object.

    Not carried: that a parent was a FOLLOWS_FROM, and warnings. Times end at 2^64 ns and begin at 0. An id that is not
    hex, too long, or all zeros is replaced by a hash of it, the same wherever it is named. Integers beyond 64 bits
    become text.
    """
    return json_bytes(traces_data(told_apart(spans)))


def otlp_json_lines(spans: Iterable[Span], spans_per_line: int = 1000) -> bytes:
    """The OTLP file format: one `TracesData` object a line, in the order of the spans. Not carried: as `otlp_json`."""
    return b"".join(json_bytes(traces_data(batch)) + b"\n" for batch in batches(told_apart(spans), spans_per_line))


def traces_data(spans: Iterable[Span]) -> Json:
    """Spans by resource and scope, each in the order in which it is first seen."""
    groups: dict[tuple[str, str], tuple[Attributes, Scopes]] = {}
    for span in spans:
        key = (span.service, json_text(dict(span.resource)))
        if key not in groups:
            groups[key] = ({"service.name": span.service, **span.resource}, {})
        groups[key][1].setdefault((span.scope_name, span.scope_version), []).append(span)
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _otlp_attributes(resource)},
                "scopeSpans": [
                    {"scope": _filled(name=name, version=version), "spans": [_otlp_span(span) for span in members]}
                    for (name, version), members in scopes.items()
                ],
            }
            for resource, scopes in groups.values()
        ]
    }


def _otlp_span(span: Span) -> Json:
    return _filled(
        traceId=hex_id(span.trace_id, 32),
        spanId=hex_id(span.span_id, 16),
        parentSpanId="" if span.parent_id is None else hex_id(span.parent_id, 16),
        name=span.name,
        kind=int(span.kind),
        startTimeUnixNano=fixed64(span.start_ns),
        endTimeUnixNano=fixed64(span.end_ns),
        attributes=_otlp_attributes(span.attributes),
        events=[
            _filled(timeUnixNano=fixed64(event.time_ns), name=event.name, attributes=_otlp_attributes(event.attributes))
            for event in span.events
        ],
        links=[
            _filled(
                traceId=hex_id(link.trace_id, 32),
                spanId=hex_id(link.span_id, 16),
                attributes=_otlp_attributes(_link_attributes(link)),
            )
            for link in span.links
        ],
        status=_filled(message=span.status_message, code=int(span.status)),
    )


def _filled(**fields: object) -> Json:
    """The fields that hold something: a missing one means its default, in JSON as on the wire."""
    return {name: content for name, content in fields.items() if content}


def _link_attributes(link: Link) -> Attributes:
    """With the kind that Jaeger wrote under the name that OpenTelemetry gives it."""
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
