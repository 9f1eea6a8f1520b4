"""Spans of a kind, a status and attributes in every supported format: `FORMATS`.

The writers are separate from the program's exporters, so that a span is written as by another program.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracetui.export import otlp_protobuf
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.formats.error_rule import StatusSource
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Kind, Span, Status, Value

TRACE = "000000000000000000000000000000aa"
START_US = 1_774_000_000_000_000


@dataclass(frozen=True)
class Plain:
    """A span with only the facts that decide about errors."""

    attributes: Mapping[str, Value] = field(default_factory=dict)
    kind: Kind = Kind.INTERNAL
    status: Status = Status.UNSET


@dataclass(frozen=True)
class Style:
    """Style of JSON: separators, and whether the members of objects are in reverse order."""

    separators: tuple[str, str] = (",", ":")
    indent: int | None = None
    backwards: bool = False

    def __call__(self, value: Any) -> bytes:
        if self.backwards:
            value = _backwards(value)
        return json.dumps(value, separators=self.separators, indent=self.indent).encode()


@dataclass(frozen=True)
class Format:
    """write: writes spans as one input. states: where their status is. texts: True if attributes are texts."""

    write: Callable[[Sequence[Plain], Style], bytes]
    states: StatusSource = StatusSource.FIELD
    texts: bool = False

    def read(self, spans: Sequence[Plain], style: Style | None = None) -> list[Span]:
        """Write spans and read them back, in the same order."""
        intake = Intake()
        decode(self.write(spans, style or Style()), DecodeContext(intake, "input"))
        traces = assemble(intake)
        return sorted(map(traces.span, range(len(traces))), key=lambda span: int(span.span_id, 16))

    def held(self, value: Value) -> Value:
        """Convert a value to what this format can represent."""
        return as_text(value) if self.texts else value


def as_text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def span_id(number: int) -> str:
    return f"{number + 1:016x}"


# --- Jaeger ---------------------------------------------------------------------------------------------------------


def _tags(span: Plain, *, texts: bool = False) -> list[dict[str, Any]]:
    tags = [_tag("span.kind", span.kind.name.lower(), False)] if span.kind else []
    return tags + [_tag(key, value, texts) for key, value in span.attributes.items()]


def _tag(key: str, value: Value, texts: bool) -> dict[str, Any]:
    kind = {bool: "bool", int: "int64", float: "float64"}.get(type(value), "string")
    return {"key": key, "type": kind, "value": as_text(value) if texts else value}


def _jaeger_span(number: int, **fields: Any) -> dict[str, Any]:
    start = {"startTime": START_US + number, "duration": 500}
    return {"traceID": TRACE, "spanID": span_id(number), "operationName": "op", **start, **fields}


def jaeger(spans: Sequence[Plain], style: Style) -> bytes:
    written = [_jaeger_span(i, tags=_tags(span), processID="p1") for i, span in enumerate(spans)]
    trace = {"traceID": TRACE, "spans": written, "processes": {"p1": {"serviceName": "web", "tags": []}}}
    return style({"data": [trace]})


def jaeger_documents(spans: Sequence[Plain], style: Style) -> bytes:
    process = {"serviceName": "web", "tags": []}
    line = Style(style.separators, None, style.backwards)
    documents = [
        _jaeger_span(i, tags=_tags(span, texts=True), process=process, references=[]) for i, span in enumerate(spans)
    ]
    return b"\n".join(map(line, documents))


def jaeger_documents_by_key(spans: Sequence[Plain], style: Style) -> bytes:
    process = {"serviceName": "web", "tags": []}
    line = Style(style.separators, None, style.backwards)
    documents = []
    for i, span in enumerate(spans):
        tags = {"span.kind": span.kind.name.lower()} if span.kind else {}
        tag = {key.replace(".", "@"): value for key, value in {**tags, **span.attributes}.items()}
        documents.append(_jaeger_span(i, tags=[], tag=tag, process=process, references=[]))
    return b"\n".join(map(line, documents))


# --- OTLP -----------------------------------------------------------------------------------------------------------


def _any_value(value: Value) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_any_value(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": _pairs(value)}}
        case _:
            return {"stringValue": value}


def _pairs(attributes: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in attributes.items()]


def _otlp_spans(spans: Sequence[Plain]) -> list[dict[str, Any]]:
    return [
        {
            "traceId": TRACE,
            "spanId": span_id(i),
            "name": "op",
            "kind": int(span.kind),
            "startTimeUnixNano": str((START_US + i) * 1000),
            "endTimeUnixNano": str((START_US + i + 500) * 1000),
            "attributes": _pairs(span.attributes),
            "status": {"code": int(span.status)} if span.status else {},
        }
        for i, span in enumerate(spans)
    ]


def otlp_json(spans: Sequence[Plain], style: Style) -> bytes:
    return style({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": _otlp_spans(spans)}]}]})


def tempo_json(spans: Sequence[Plain], style: Style) -> bytes:
    written = _otlp_spans(spans)
    for span, given in zip(written, spans, strict=True):
        span["traceId"] = _base64(span["traceId"])
        span["spanId"] = _base64(span["spanId"])
        span["kind"] = f"SPAN_KIND_{given.kind.name}"
        span["status"] = {"code": f"STATUS_CODE_{given.status.name}"} if given.status else {}
    return style({"batches": [{"resource": {}, "scopeSpans": [{"spans": written}]}]})


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def protobuf(spans: Sequence[Plain], _style: Style) -> bytes:
    return otlp_protobuf(
        Span(
            TRACE,
            span_id(i),
            None,
            "web",
            "op",
            (START_US + i) * 1000,
            500_000,
            span.kind,
            span.status,
            attributes=span.attributes,
        )
        for i, span in enumerate(spans)
    )


def tempo_protobuf(spans: Sequence[Plain], style: Style) -> bytes:
    trace = protobuf(spans, style)
    length, size = bytearray(), len(trace)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return b"\x0a" + bytes([*length, size]) + trace


# --- Zipkin ---------------------------------------------------------------------------------------------------------


def _zipkin_span(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "traceId": TRACE,
        "id": span_id(number),
        "name": "op",
        "timestamp": START_US + number,
        "duration": 500,
    } | fields


def zipkin_v2(spans: Sequence[Plain], style: Style) -> bytes:
    written = []
    for i, span in enumerate(spans):
        kind = {"kind": span.kind.name} if span.kind > Kind.INTERNAL else {}
        tags = {key: as_text(value) for key, value in span.attributes.items()}
        written.append(_zipkin_span(i, **kind, localEndpoint={"serviceName": "web"}, tags=tags))
    return style(written)


_V1 = {Kind.CLIENT: "cs cr", Kind.SERVER: "sr ss", Kind.PRODUCER: "ms", Kind.CONSUMER: "mr"}


def zipkin_v1(spans: Sequence[Plain], style: Style) -> bytes:
    endpoint = {"serviceName": "web"}
    written = []
    for i, span in enumerate(spans):
        notes = [
            {"timestamp": START_US + i + 500 * at, "value": value, "endpoint": endpoint}
            for at, value in enumerate(_V1.get(span.kind, "").split())
        ]
        tags = [{"key": "lc", "value": "", "endpoint": endpoint}]
        tags += [{"key": key, "value": as_text(value), "endpoint": endpoint} for key, value in span.attributes.items()]
        written.append(_zipkin_span(i, annotations=notes, binaryAnnotations=tags))
    return style(written)


def _backwards(value: Any) -> Any:
    match value:
        case dict():
            return {key: _backwards(item) for key, item in reversed(value.items())}
        case list():
            return [_backwards(item) for item in value]
        case _:
            return value


FORMATS = {
    "jaeger": Format(jaeger, StatusSource.TAGS),
    "jaeger documents": Format(jaeger_documents, StatusSource.TAGS),
    "jaeger documents by key": Format(jaeger_documents_by_key, StatusSource.TAGS),
    "otlp json": Format(otlp_json),
    "otlp protobuf": Format(protobuf),
    "tempo json": Format(tempo_json),
    "tempo protobuf": Format(tempo_protobuf),
    "zipkin v1": Format(zipkin_v1, StatusSource.ZIPKIN_TAGS, texts=True),
    "zipkin v2": Format(zipkin_v2, StatusSource.ZIPKIN_TAGS, texts=True),
}
