"""Output of the console exporter of OpenTelemetry's PHP SDK (`ConsoleSpanExporter`).

Each span is a pretty-printed list of one object; times are nanoseconds, the kind is such as `KIND_SERVER`. Of the
instrumentation scope only the schema URL is written. The source is opentelemetry-php's `FriendlySpanConverter`.
"""

from __future__ import annotations

from typing import Any, Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field
from tracetui.ingest.formats.format import JsonFormat, key_sets, read_by
from tracetui.ingest.formats.numbers import moment_ns
from tracetui.ingest.formats.otlp_values import attributes_of, events_of, text_of
from tracetui.ingest.formats.plain_span import PlainSpan, SpanSink, real_id
from tracetui.ingest.formats.python_console import links_with_context, resource_attributes


def _read(value: dict[str, Any], context: DecodeContext, sink: SpanSink) -> None:
    span_context, status = field(value, "context"), field(value, "status")
    span_context = span_context if isinstance(span_context, dict) else {}
    status = status if isinstance(status, dict) else {}
    sink.add(
        PlainSpan(
            trace_id=real_id(field(span_context, "trace_id")),
            span_id=real_id(field(span_context, "span_id")),
            parent_id=real_id(field(value, "parent_span_id")),
            name=text_of(field(value, "name")),
            kind=field(value, "kind"),
            start_ns=moment_ns(field(value, "start")),
            end_ns=moment_ns(field(value, "end")),
            status=field(status, "code"),
            message=text_of(field(status, "description")),
            attributes=attributes_of(field(value, "attributes")),
            resource=resource_attributes(field(value, "resource")),
            events=events_of(field(value, "events")),
            links=links_with_context(field(value, "links")),
        ),
        context,
    )


FORMAT: Final = JsonFormat(
    name="output of OpenTelemetry's console exporter for PHP",
    decode=read_by(_read),
    keys=key_sets("name context parent_span_id start end"),
    signs=key_sets("parent_span_id start end schema_url"),
)
