"""Output of OpenTelemetry's Go exporter `stdouttrace`.

A span is an object of JSON, pretty-printed or on one line; build tools export lists of them. Attributes are
`{"Key", "Value": {"Type", "Value"}}`. Versions before 1.0 had `ParentSpanID`, `MessageEvents`, `StatusCode` and
`StatusMessage`; the scope was `InstrumentationLibrary` until 2024. With the option `WithoutTimestamps` all times are
in the year 1. The source is opentelemetry-go's `tracetest.SpanStub`.
"""

from __future__ import annotations

from typing import Any, Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field
from tracetui.ingest.formats.format import JsonFormat, key_sets, read_by
from tracetui.ingest.formats.item_lists import as_object
from tracetui.ingest.formats.numbers import moment_ns, whole_number
from tracetui.ingest.formats.otlp_values import attributes_of, events_of, text_of
from tracetui.ingest.formats.plain_span import PlainSpan, SpanSink, real_id
from tracetui.ingest.formats.python_console import links_with_context
from tracetui.model.span import Status

_CODES: Final = {1: Status.ERROR, 2: Status.OK}
"""Status codes of Go, whose numbers differ from OTLP."""


def _read(value: dict[str, Any], context: DecodeContext, sink: SpanSink) -> None:
    span_context, parent = as_object(value.get("SpanContext")), as_object(value.get("Parent"))
    status = as_object(value.get("Status"))
    code = field(status, "Code") if status else value.get("StatusCode")
    scope = as_object(value.get("InstrumentationScope") or value.get("InstrumentationLibrary"))
    start_ns, end_ns = _time(value.get("StartTime")), _time(value.get("EndTime"))
    if start_ns is None and end_ns is None:
        sink.note("times", "are missing in Go's output (WithoutTimestamps); shown without duration")
    sink.add(
        PlainSpan(
            trace_id=real_id(span_context.get("TraceID")),
            span_id=real_id(span_context.get("SpanID")),
            parent_id=real_id(parent.get("SpanID", value.get("ParentSpanID"))),
            name=text_of(value.get("Name")),
            kind=value.get("SpanKind"),
            start_ns=start_ns,
            end_ns=end_ns,
            status=_CODES.get(code) if isinstance(code, int) else code,
            message=text_of(field(status, "Description") if status else value.get("StatusMessage")),
            attributes=attributes_of(value.get("Attributes")),
            resource=attributes_of(value.get("Resource")),
            scope_name=text_of(scope.get("Name")),
            scope_version=text_of(scope.get("Version")),
            events=events_of(value.get("Events") or value.get("MessageEvents")),
            links=links_with_context(value.get("Links")),
            dropped=(_count(value, "Attribute"), _count(value, "Event", "MessageEvent"), _count(value, "Link")),
        ),
        context,
    )


def _time(value: Any) -> int | None:
    moment = moment_ns(value)
    return moment if moment is not None and moment > 0 else None


def _count(value: dict[str, Any], *names: str) -> int:
    counts = (value.get(f"Dropped{name}{end}") for name in names for end in ("s", "Count"))
    return next((count for count in map(whole_number, counts) if count), 0)


FORMAT: Final = JsonFormat(
    name="output of OpenTelemetry's Go exporter stdouttrace",
    decode=read_by(_read),
    keys=key_sets("Name SpanContext"),
    signs=key_sets("ChildSpanCount", "Parent SpanKind StartTime"),
)
