"""Output of the console exporter of OpenTelemetry's Python SDK (`ConsoleSpanExporter`).

A span is a JSON object, pretty-printed or on one line. Ids are hex with the prefix `0x`, times ISO 8601, the kind is
such as `SpanKind.SERVER` and the status code a name. Before 1.0 the status was gRPC's (`canonical_code`), and before
1.8 the resource was written as its bare attributes. The source is opentelemetry-python's `ReadableSpan.to_json`.
"""

from __future__ import annotations

from typing import Any, Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field
from tracetui.ingest.formats.format import JsonFormat, key_sets, read_by
from tracetui.ingest.formats.item_lists import as_object, objects_of
from tracetui.ingest.formats.numbers import moment_ns
from tracetui.ingest.formats.otlp_values import attributes_of, events_of, text_of
from tracetui.ingest.formats.plain_span import PlainSpan, SpanSink, real_id
from tracetui.model.span import Link, Value


def _read(value: dict[str, Any], context: DecodeContext, sink: SpanSink) -> None:
    span_context = as_object(field(value, "context"))
    status = as_object(field(value, "status"))
    sink.add(
        PlainSpan(
            trace_id=real_id(field(span_context, "trace_id")),
            span_id=real_id(field(span_context, "span_id")),
            parent_id=real_id(field(value, "parent_id")),
            name=text_of(field(value, "name")),
            kind=field(value, "kind"),
            start_ns=moment_ns(field(value, "start_time")),
            end_ns=moment_ns(field(value, "end_time")),
            status=field(status, "status_code", "canonical_code"),
            message=text_of(field(status, "description")),
            attributes=attributes_of(field(value, "attributes")),
            resource=resource_attributes(field(value, "resource")),
            events=events_of(field(value, "events")),
            links=links_with_context(field(value, "links")),
        ),
        context,
    )


def resource_attributes(value: Any) -> dict[str, Value]:
    """Get the attributes of a resource, or bare attributes."""
    inner = field(value, "attributes") if isinstance(value, dict) else None
    return attributes_of(value if inner is None else inner)


def links_with_context(value: Any) -> list[Link]:
    """Read links with the span ids in a nested object."""
    links = []
    for item in objects_of(value):
        span_context = as_object(field(item, "context", "spanContext"))
        trace_id, span_id = real_id(field(span_context, "traceId")), real_id(field(span_context, "spanId"))
        # a printer may have cut them off
        if trace_id or span_id:
            links.append(Link(trace_id, span_id, "", attributes_of(field(item, "attributes"))))
    return links


FORMAT: Final = JsonFormat(
    name="output of OpenTelemetry's console exporter for Python",
    decode=read_by(_read),
    keys=key_sets("name context parent_id start_time"),
    signs=key_sets("parent_id start_time end_time", "context kind parent_id"),
)
