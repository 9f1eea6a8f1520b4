"""Output of OpenTelemetry's Java exporter for a logger (`LoggingSpanExporter`, `OTEL_TRACES_EXPORTER=console`).

A span is a line: `'name' : TRACE SPAN KIND [tracer: scope:version] AttributesMap{data={...}, ...}`, after the logger's
prefix. It lacks parents, times, status, events and the service. Attributes are printed without quotes, except in test
spans, so a text that contains `, x=` looks like two attributes. The source is opentelemetry-java's
`LoggingSpanExporter` and `AttributesMap`.
"""

from __future__ import annotations

import re
from typing import Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.format import Lines, TextFormat
from tracetui.ingest.formats.plain_span import PlainSpan, SpanSink
from tracetui.ingest.formats.printed_values import printed_value
from tracetui.model.span import Value

_BEGINS: Final = (
    rb"'(?P<java_name>.{0,1000})' : (?P<java_trace>[0-9a-f]{32}) (?P<java_span>[0-9a-f]{16}) "
    rb"(?P<java_kind>INTERNAL|SERVER|CLIENT|PRODUCER|CONSUMER) \[tracer: (?P<java_scope>.*?)\]"
)
_DATA: Final = re.compile(
    r"AttributesMap\{data=\{(?P<data>.*)\}, capacity=\d+, totalAddedValues=\d+\}|\{(?P<plain>.*)\}", re.DOTALL
)
_KEY: Final = re.compile(r"(?:^|, )([A-Za-z_@][\w.\-/@]*)=")
_MAX_LINES: Final = 1_000
"""Largest number of lines of a span: attributes such as stack traces and statements may span several."""


def _read(match: re.Match[bytes], lines: Lines, context: DecodeContext, sink: SpanSink) -> None:
    rest = [match.string[match.end() :]]
    lines.advance()
    if b"AttributesMap{" in rest[0] and b"totalAddedValues=" not in rest[0]:
        for _ in range(_MAX_LINES):
            line = lines.line
            if line is None or b" [tracer: " in line:
                break
            rest.append(line)
            lines.advance()
            if b"totalAddedValues=" in line:
                break
    scope, _, version = match["java_scope"].decode("utf-8", "replace").rpartition(":")
    sink.note("parents, times, status, events and the service", "are missing in the output of Java's logging exporter")
    sink.add(
        PlainSpan(
            trace_id=match["java_trace"].decode(),
            span_id=match["java_span"].decode(),
            name=match["java_name"].decode("utf-8", "replace"),
            kind=match["java_kind"].decode(),
            attributes=attributes_in(b"\n".join(rest).decode("utf-8", "replace")),
            scope_name=scope,
            scope_version=version,
        ),
        context,
    )


def attributes_in(text: str) -> dict[str, Value]:
    """Read the attributes of a span in Java's output."""
    found = _DATA.search(text)
    if found is None:
        return {}
    data = found["data"] if found["data"] is not None else found["plain"]
    keys = list(_KEY.finditer(data))
    ends = [*(key.start() for key in keys), len(data)][1:]
    return {key[1]: printed_value(data[key.end() : end]) for key, end in zip(keys, ends, strict=False)}


FORMAT: Final = TextFormat(
    name="output of OpenTelemetry's logging exporter for Java",
    begins=_BEGINS,
    hint=b" [tracer: ",
    read=_read,
    needs=(b"[tracer: ",),
    signs=(b"AttributesMap{data=",),
)
