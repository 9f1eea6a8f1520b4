"""Output of the console exporter of OpenTelemetry's JavaScript SDK (`ConsoleSpanExporter`) under Node.

A span is an object that `console.dir` prints with a depth of 3, on several lines unless `util.inspect` is set to
one line (`compact`, `breakLength`). Exporters derived from it for structured logs write the same object as JSON,
whose `traceId` and `id` are Zipkin's, too. Span times are microseconds since the epoch, event times seconds and
nanoseconds; span kinds are the API's numbers, one less than OTLP's. Until version 2 the parent was
`parentId` and the scope `instrumentationLibrary`. The source is opentelemetry-js's `ConsoleSpanExporter`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field
from tracetui.ingest.formats.format import JsonFormat, Lines, TextFormat, key_sets, read_by
from tracetui.ingest.formats.item_lists import as_object, objects_of
from tracetui.ingest.formats.node_inspect import inspected
from tracetui.ingest.formats.numbers import length_ns, moment_ns, whole_number
from tracetui.ingest.formats.otlp_values import attributes_of, events_of, text_of
from tracetui.ingest.formats.plain_span import PlainSpan, SpanSink, real_id
from tracetui.ingest.formats.python_console import links_with_context, resource_attributes
from tracetui.model.json_decoding import MalformedError
from tracetui.model.span import Event

_MICROSECOND: Final = 1_000


def _read(block: bytes, context: DecodeContext, sink: SpanSink) -> None:
    found = inspected(block.decode("utf-8", "replace"))
    for value in objects_of(found.value):
        if not value.keys() >= {"traceId", "id"}:
            raise MalformedError("printed by Node, but not a span")
        if found.cut:
            sink.note("values", "are cut off in Node's output ([Object], [Array], ... more)")
        _read_span(value, context, sink)


def _read_span(value: dict[str, Any], context: DecodeContext, sink: SpanSink) -> None:
    status, parent = as_object(value.get("status")), as_object(value.get("parentSpanContext"))
    scope = as_object(value.get("instrumentationScope") or value.get("instrumentationLibrary"))
    kind = whole_number(value.get("kind"))
    resource = _known(resource_attributes(value.get("resource")))
    if "resource" not in value:
        sink.note("the service", "is missing in the output of this version of Node's exporter")
    start_ns = moment_ns(value.get("timestamp"), _MICROSECOND)
    length = length_ns(value.get("duration"), _MICROSECOND)
    sink.add(
        PlainSpan(
            trace_id=real_id(value.get("traceId")),
            span_id=real_id(value.get("id")),
            parent_id=real_id(value.get("parentId") or parent.get("spanId")),
            name=text_of(value.get("name")),
            kind=None if kind is None else kind + 1,
            start_ns=start_ns,
            end_ns=None if start_ns is None or length is None else start_ns + length,
            status=status.get("code"),
            message=text_of(status.get("message")),
            attributes=_known(value.get("attributes")),
            resource=resource,
            scope_name=text_of(scope.get("name")),
            scope_version=text_of(scope.get("version")),
            # a cut-off time becomes that of the span
            events=[
                Event(event.time_ns or start_ns or 0, event.name, event.attributes)
                for event in events_of(value.get("events"))
            ],
            links=links_with_context(value.get("links")),
            dropped=(0, _dropped(value, "Events"), _dropped(value, "Links")),
        ),
        context,
    )


def _read_line(match: re.Match[bytes], lines: Lines, context: DecodeContext, sink: SpanSink) -> None:
    """Read an object that is printed on one line."""
    lines.advance()
    try:
        _read(match.string[match.start("node_object") :], context, sink)
    except MalformedError:
        context.warn(f"skipped: cut off, {LINE_FORMAT.name}")


def _known(value: Any) -> dict[str, Any]:
    return {key: item for key, item in attributes_of(value).items() if item is not None}


def _dropped(value: dict[str, Any], what: str) -> int:
    return whole_number(field(value, f"dropped{what}Count")) or 0


_NEEDS: Final = (b"traceId:", b"id:")
_SIGNS: Final = (b"instrumentationScope: {", b"instrumentationLibrary: {")

FORMAT: Final = TextFormat(
    name="output of OpenTelemetry's console exporter for Node",
    block=rb"\{\s*(?:[A-Za-z_$][\w$]*)\s*:",
    read_block=_read,
    needs=_NEEDS,
    signs=_SIGNS,
)

LINE_FORMAT: Final = TextFormat(
    name="output of OpenTelemetry's console exporter for Node, on one line",
    begins=rb"^[^{\n]{0,200}(?P<node_object>\{)(?= ?[A-Za-z_$][\w$]*: )"
    rb"(?=[^\n]*\btraceId: ['\"])(?=[^\n]*\bid: ['\"])[^\n]*\}",
    hint=b"traceId: ",
    read=_read_line,
    needs=_NEEDS,
    signs=_SIGNS,
)
JSON_FORMAT: Final = JsonFormat(
    name="JSON of OpenTelemetry's console exporter for Node",
    decode=read_by(_read_span),
    keys=key_sets("traceId id kind timestamp attributes status"),
)
