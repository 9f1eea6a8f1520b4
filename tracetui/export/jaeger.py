"""Export to Jaeger JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracetui.export.common import (
    INT64,
    SAFE_INTEGER,
    Json,
    as_text,
    base64_text,
    json_bytes,
    json_float,
    json_text,
    source_warnings,
    unique_keys,
    with_otel_tags,
)
from tracetui.model.span import Attributes, Flag, Kind, Span, Status, Value

if TYPE_CHECKING:
    from collections.abc import Iterable


def jaeger_json(spans: Iterable[Span]) -> bytes:
    """Encode spans as a search response of the Jaeger API, which its UI also downloads and opens.

    Lost: times below a microsecond, attributes of links, null attributes (written as empty text) and the types
    within lists and maps (written as JSON text). Jaeger knows links only as references, so a reader takes a link
    within the trace for the parent where the span has no parent, or where the link says CHILD_OF and the parent is
    a FOLLOWS_FROM.
    """
    traces: dict[str, list[Span]] = {}
    for span in unique_keys(spans):
        traces.setdefault(span.trace_id, []).append(span)
    data = [_jaeger_trace(trace_id, members) for trace_id, members in traces.items()]
    return json_bytes({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": None})


def _jaeger_trace(trace_id: str, spans: list[Span]) -> Json:
    names: dict[tuple[str, str], str] = {}
    processes: Json = {}
    written = []
    for span in spans:
        key = (span.service, json_text(dict(span.resource)))
        if key not in names:
            names[key] = f"p{len(names) + 1}"
            processes[names[key]] = {"serviceName": span.service, "tags": _jaeger_tags(span.resource)}
        written.append(_jaeger_span(span, names[key]))
    return {"traceID": trace_id, "spans": written, "processes": processes, "warnings": None}


def _jaeger_span(span: Span, process: str) -> Json:
    references = [
        {"refType": link.kind or "FOLLOWS_FROM", "traceID": link.trace_id, "spanID": link.span_id}
        for link in span.links
    ]
    if span.parent_id is not None:
        kind = "FOLLOWS_FROM" if Flag.FOLLOWS_FROM in span.marks else "CHILD_OF"
        references.insert(0, {"refType": kind, "traceID": span.trace_id, "spanID": span.parent_id})
    return {
        "traceID": span.trace_id,
        "spanID": span.span_id,
        "operationName": span.name,
        "references": references,
        "startTime": span.start_ns // 1000,
        "duration": span.duration_ns // 1000,
        "tags": _jaeger_tags(_jaeger_attributes(span)),
        "logs": [
            {"timestamp": event.time_ns // 1000, "fields": _jaeger_tags({"event": event.name, **event.attributes})}
            for event in span.events
        ],
        "processID": process,
        "warnings": source_warnings(span) or None,
    }


def _jaeger_tags(attributes: Attributes) -> list[Json]:
    return [_jaeger_tag(key, value) for key, value in attributes.items()]


def _jaeger_tag(key: str, value: Value) -> Json:
    match value:
        case bool():
            return {"key": key, "type": "bool", "value": value}
        case int() if value not in INT64:
            return {"key": key, "type": "string", "value": str(value)}
        case int():
            return {"key": key, "type": "int64", "value": value if abs(value) <= SAFE_INTEGER else str(value)}
        case float():
            return {"key": key, "type": "float64", "value": json_float(value)}
        case bytes():
            return {"key": key, "type": "binary", "value": base64_text(value)}
        case _:
            return {"key": key, "type": "string", "value": as_text(value)}


def _jaeger_attributes(span: Span) -> Attributes:
    kind: Attributes = {} if span.kind is Kind.UNSPECIFIED else {"span.kind": span.kind.name.lower()}
    error: Attributes = {"error": True} if span.status is Status.ERROR else {}
    return {**kind, **error, **with_otel_tags(span)}
