"""Spans to the bytes that other tools read: Jaeger JSON, OTLP (JSON and protobuf) and Zipkin (v2 and v1).

Every function here is pure and deterministic: the same spans in the same order give the same bytes. Each docstring
says what its format has no place for. True of all of them: attribute values nested deeper than 32 levels become
empty, and the marks of a span are not written (a reader finds them again).
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from tracetui.model.span import Attributes, Kind, Link, Mark, Span, Status, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Json = dict[str, object]

SAFE_INTEGER = 2**53 - 1
"""The greatest integer that a reader with only doubles takes whole."""

NESTING_LIMIT = 32

INT64 = range(-(2**63), 2**63)

HEX = re.compile("[0-9a-f]+")


# --- Jaeger ---------------------------------------------------------------------------------------------------------


def jaeger_json(spans: Iterable[Span]) -> bytes:
    """The answer of the Jaeger API to a search, which is also what its UI downloads and opens.

    Not carried: times below a microsecond, attributes of links, null attributes (written as empty text) and the types
    within lists and maps (written as JSON text). Jaeger knows links only as references, so a reader takes a link
    within the trace for the parent where the span has no parent, or where the link says CHILD_OF and the parent is
    a FOLLOWS_FROM.
    """
    traces: dict[str, list[Span]] = {}
    for span in _told_apart(spans):
        traces.setdefault(span.trace_id, []).append(span)
    data = [_jaeger_trace(trace_id, members) for trace_id, members in traces.items()]
    return _json({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": None})


def _jaeger_trace(trace_id: str, spans: list[Span]) -> Json:
    names: dict[tuple[str, str], str] = {}
    processes: Json = {}
    written = []
    for span in spans:
        key = (span.service, _json_text(dict(span.resource)))
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
        kind = "FOLLOWS_FROM" if Mark.FOLLOWS_FROM in span.marks else "CHILD_OF"
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
        "warnings": list(span.warnings) or None,
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
            return {"key": key, "type": "float64", "value": _json_float(value)}
        case bytes():
            return {"key": key, "type": "binary", "value": _base64(value)}
        case _:
            return {"key": key, "type": "string", "value": _as_text(value)}


def _jaeger_attributes(span: Span) -> Attributes:
    kind: Attributes = {} if span.kind is Kind.UNSPECIFIED else {"span.kind": span.kind.name.lower()}
    error: Attributes = {"error": True} if span.status is Status.ERROR else {}
    return {**kind, **error, **_with_otel_tags(span)}


def _with_otel_tags(span: Span) -> Attributes:
    """The attributes with what a format of tags alone has no fields for, under the names OpenTelemetry gives it.

    A tag that the span has already stays as it is.
    """
    fields = {
        "otel.scope.name": span.scope_name,
        "otel.scope.version": span.scope_version,
        "otel.status_code": span.status.name if span.status else "",
        "otel.status_description": span.status_message,
    }
    return {**{key: text for key, text in fields.items() if text}, **span.attributes}


# --- OTLP -----------------------------------------------------------------------------------------------------------

Scopes = dict[tuple[str, str], list[Span]]

MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "TracesData": {"resourceSpans": (1, "ResourceSpans")},
    "ResourceSpans": {"resource": (1, "Resource"), "scopeSpans": (2, "ScopeSpans")},
    "Resource": {"attributes": (1, "KeyValue")},
    "ScopeSpans": {"scope": (1, "Scope"), "spans": (2, "Span")},
    "Scope": {"name": (1, "text"), "version": (2, "text")},
    "Span": {
        "traceId": (1, "hex"),
        "spanId": (2, "hex"),
        "parentSpanId": (4, "hex"),
        "name": (5, "text"),
        "kind": (6, "varint"),
        "startTimeUnixNano": (7, "fixed64"),
        "endTimeUnixNano": (8, "fixed64"),
        "attributes": (9, "KeyValue"),
        "events": (11, "Event"),
        "links": (13, "Link"),
        "status": (15, "Status"),
    },
    "Event": {"timeUnixNano": (1, "fixed64"), "name": (2, "text"), "attributes": (3, "KeyValue")},
    "Link": {"traceId": (1, "hex"), "spanId": (2, "hex"), "attributes": (4, "KeyValue")},
    "Status": {"message": (2, "text"), "code": (3, "varint")},
    "KeyValue": {"key": (1, "text"), "value": (2, "AnyValue")},
    "AnyValue": {
        "stringValue": (1, "text"),
        "boolValue": (2, "varint"),
        "intValue": (3, "varint"),
        "doubleValue": (4, "double"),
        "arrayValue": (5, "ArrayValue"),
        "kvlistValue": (6, "KeyValueList"),
        "bytesValue": (7, "base64"),
    },
    "ArrayValue": {"values": (1, "AnyValue")},
    "KeyValueList": {"values": (1, "KeyValue")},
}
"""The messages of OTLP: of each field, in the order of the wire, its name in JSON, its number and what it holds."""


def otlp_json(spans: Iterable[Span]) -> bytes:
    """One `TracesData` object.

    Not carried: that a parent was a FOLLOWS_FROM, and warnings. Times end at 2^64 ns and begin at 0. An id that is not
    hex, too long, or all zeros is replaced by a hash of it, the same wherever it is named. Integers beyond 64 bits
    become text.
    """
    return _json(_traces_data(_told_apart(spans)))


def otlp_json_lines(spans: Iterable[Span], spans_per_line: int = 1000) -> bytes:
    """The OTLP file format: one `TracesData` object a line, in the order of the spans. Not carried: as `otlp_json`."""
    return b"".join(_json(_traces_data(batch)) + b"\n" for batch in _batches(_told_apart(spans), spans_per_line))


def otlp_protobuf(spans: Iterable[Span]) -> bytes:
    """`TracesData` on the wire, the same as an `ExportTraceServiceRequest`.

    Not carried: as `otlp_json`; and lone surrogates, which become `?`.
    """
    return _message("TracesData", _traces_data(_told_apart(spans)))


def otlp_records(spans: Iterable[Span], spans_per_record: int = 1000, *, protobuf: bool = True) -> bytes:
    """What the collector's file exporter writes: records of a length (4 bytes, big-endian) and one `TracesData`.

    The payloads are protobuf, or else JSON, and not compressed. Not carried: as `otlp_protobuf` or `otlp_json`.
    """
    encode = otlp_protobuf if protobuf else otlp_json
    payloads = (encode(batch) for batch in _batches(_told_apart(spans), spans_per_record))
    return b"".join(struct.pack(">I", len(payload)) + payload for payload in payloads)


def _traces_data(spans: Iterable[Span]) -> Json:
    """Spans by resource and scope, each in the order in which it is first seen."""
    groups: dict[tuple[str, str], tuple[Attributes, Scopes]] = {}
    for span in spans:
        key = (span.service, _json_text(dict(span.resource)))
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
        traceId=_hex_id(span.trace_id, 32),
        spanId=_hex_id(span.span_id, 16),
        parentSpanId="" if span.parent_id is None else _hex_id(span.parent_id, 16),
        name=span.name,
        kind=int(span.kind),
        startTimeUnixNano=_fixed64(span.start_ns),
        endTimeUnixNano=_fixed64(span.end_ns),
        attributes=_otlp_attributes(span.attributes),
        events=[
            _filled(
                timeUnixNano=_fixed64(event.time_ns), name=event.name, attributes=_otlp_attributes(event.attributes)
            )
            for event in span.events
        ],
        links=[
            _filled(
                traceId=_hex_id(link.trace_id, 32),
                spanId=_hex_id(link.span_id, 16),
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
            return {"doubleValue": _json_float(value)}
        case bytes():
            return {"bytesValue": _base64(value)}
        case list() if depth < NESTING_LIMIT:
            return {"arrayValue": {"values": [_any_value(item, depth + 1) for item in value]}}
        case dict() if depth < NESTING_LIMIT:
            pairs = [{"key": key, "value": _any_value(item, depth + 1)} for key, item in value.items()]
            return {"kvlistValue": {"values": pairs}}
        case None | list() | dict():
            return {}
        case _:
            return {"stringValue": str(value)}


def _message(name: str, content: Json) -> bytes:
    """A message of `MESSAGES` on the wire, from what its JSON is made of."""
    written = bytearray()
    for field, (number, holds) in MESSAGES[name].items():
        if field in content:
            held = content[field]
            for item in held if isinstance(held, list) else [held]:
                written += _wire_field(number, holds, item)
    return bytes(written)


def _wire_field(number: int, holds: str, item: Any) -> bytes:
    match holds:
        case "varint":
            return _varint(number << 3) + _varint(int(item) % 2**64)
        case "fixed64":
            return _varint(number << 3 | 1) + struct.pack("<Q", int(item))
        case "double":
            return _varint(number << 3 | 1) + struct.pack("<d", float(item))
        case "text":
            body: bytes = item.encode(errors="replace")
        case "hex":
            body = bytes.fromhex(item)
        case "base64":
            body = base64.b64decode(item)
        case _:
            body = _message(holds, item)
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


# --- Zipkin ---------------------------------------------------------------------------------------------------------

ZIPKIN_KINDS = (Kind.CLIENT, Kind.SERVER, Kind.PRODUCER, Kind.CONSUMER)

PEER_ATTRIBUTES = ("service.peer.name", "peer.service")

V1_CORE = {
    "CLIENT": ("cs", "cr", "sa"),
    "SERVER": ("sr", "ss", "ca"),
    "PRODUCER": ("ms", "ws", "ma"),
    "CONSUMER": ("wr", "mr", "ma"),
}
"""What begins a span of a kind, what ends it, and the name of its other end."""


def zipkin_v2(spans: Iterable[Span]) -> bytes:
    """A flat list of Zipkin v2 spans, as it is posted to Zipkin.

    Not carried: links, times below a microsecond, durations of 0 (written as 1 µs), the kind INTERNAL (as none), the
    types of attributes (all become text), which attributes were the resource's (all become tags; the span's own win),
    and warnings. Ids as in `otlp_json`, but a trace id of up to 16 digits is not made longer.
    """
    return _json([_zipkin_span(span) for span in spans])


def zipkin_v1(spans: Iterable[Span]) -> bytes:
    """A flat list of Zipkin v1 spans, whose kinds are pairs of annotations. Not carried: as `zipkin_v2`."""
    return _json([_zipkin_v1_span(span) for span in spans])


def _zipkin_identity(span: Span) -> Json:
    identity: Json = {
        "traceId": _hex_id(span.trace_id, 16 if len(span.trace_id) <= 16 else 32),
        "id": _hex_id(span.span_id, 16),
        "name": span.name,
    }
    if span.parent_id is not None and span.parent_id != span.span_id:
        identity["parentId"] = _hex_id(span.parent_id, 16)
    return identity


def _zipkin_times(span: Span) -> Json:
    times: Json = {"timestamp": span.start_ns // 1000} if span.start_ns >= 1000 else {}
    if Mark.NO_DURATION not in span.marks:
        times["duration"] = max(1, span.duration_ns // 1000)
    return times


def _zipkin_span(span: Span) -> Json:
    written = _zipkin_identity(span) | _zipkin_times(span) | {"localEndpoint": {"serviceName": span.service}}
    if span.kind in ZIPKIN_KINDS:
        written["kind"] = span.kind.name
    if Mark.SHARED in span.marks:
        written["shared"] = True
    if peer := _peer(span):
        written["remoteEndpoint"] = {"serviceName": peer}
    if span.events:
        written["annotations"] = _zipkin_annotations(span)
    return written | {"tags": _zipkin_tags(span)}


def _zipkin_v1_span(span: Span) -> Json:
    # The server half of a shared span leaves its times to its annotations: the client's are the span's.
    written = _zipkin_identity(span) | ({} if Mark.SHARED in span.marks else _zipkin_times(span))
    endpoint = {"serviceName": span.service}
    annotations: list[Json] = [note | {"endpoint": endpoint} for note in _zipkin_annotations(span)]
    tags: list[Json] = [{"key": key, "value": tag, "endpoint": endpoint} for key, tag in _zipkin_tags(span).items()]
    if span.kind in ZIPKIN_KINDS:
        begin, end, other = V1_CORE[span.kind.name]
        annotations.insert(0, {"timestamp": span.start_ns // 1000, "value": begin, "endpoint": endpoint})
        if Mark.NO_DURATION not in span.marks:
            annotations.append({"timestamp": span.end_ns // 1000, "value": end, "endpoint": endpoint})
        if peer := _peer(span):
            tags.append({"key": other, "value": True, "endpoint": {"serviceName": peer}})
    else:
        # Only annotations name a service in v1, and an empty `lc` is the one that says no more than that.
        tags.append({"key": "lc", "value": "", "endpoint": endpoint})
    return written | {"annotations": annotations, "binaryAnnotations": tags}


def _peer(span: Span) -> str:
    return next((_as_text(span.attributes[key]) for key in PEER_ATTRIBUTES if span.attributes.get(key)), "")


def _zipkin_tags(span: Span) -> dict[str, str]:
    tags = {key: _as_text(value) for key, value in {**span.resource, **_with_otel_tags(span)}.items()}
    # Zipkin takes a span with this tag for failed whatever the tag says, so only a failed span may have it.
    error = tags.pop("error", "")
    if span.status is Status.ERROR or span.error:
        tags["error"] = span.status_message or error
    return tags


def _zipkin_annotations(span: Span) -> list[Json]:
    """The events: the name alone or, where an event says more, its name and attributes as OpenTelemetry puts them."""
    return [
        {
            "timestamp": event.time_ns // 1000,
            "value": f"{_json_text(event.name)}: {_json_text(dict(event.attributes))}"
            if event.attributes
            else event.name,
        }
        for event in span.events
    ]


# --- Ids and values, for all ----------------------------------------------------------------------------------------


def _told_apart(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans, with the two halves of a Zipkin RPC under ids of their own, as every other format needs them.

    The server half takes a new id under the client half, and what the server's service did below it follows it.
    """
    spans = list(spans)
    halves = {(span.trace_id, span.span_id): span for span in spans if Mark.SHARED in span.marks}
    whole = {(span.trace_id, span.span_id) for span in spans if Mark.SHARED not in span.marks} if halves else set()
    for span in spans:
        own, above = (span.trace_id, span.span_id), (span.trace_id, span.parent_id or "")
        if own in halves and own in whole and span is halves[own]:
            yield replace(span, span_id=_hashed(span.span_id, 16), parent_id=span.span_id)
        elif above in halves and above in whole and span.service == halves[above].service:
            yield replace(span, parent_id=_hashed(above[1], 16))
        else:
            yield span


def _batches(spans: Iterable[Span], size: int) -> Iterator[list[Span]]:
    rest = iter(spans)
    while batch := list(islice(rest, size)):
        yield batch


def _hex_id(text: str, digits: int) -> str:
    hexadecimal = text.lower()
    if len(text) > digits or not HEX.fullmatch(hexadecimal) or not hexadecimal.strip("0"):
        return _hashed(text, digits)
    return hexadecimal.zfill(digits)


def _hashed(text: str, digits: int) -> str:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=digits // 2).hexdigest()


def _fixed64(number: int) -> str:
    return str(min(max(number, 0), 2**64 - 1))


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _json_float(value: float) -> float | str:
    """JSON has no NaN and no infinities; protobuf's JSON, which Jaeger and OTLP follow, writes these words."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _as_text(value: Value) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bytes():
            return _base64(value)
        case float():
            return str(_json_float(value))
        case int() if not isinstance(value, bool):
            return str(value)
        case _:
            return _json_text(value)


def _json_text(value: Value) -> str:
    return _json(_plain(value)).decode()


def _plain(value: Value, depth: int = 0) -> object:
    """A value as JSON can hold it."""
    match value:
        case bytes():
            return _base64(value)
        case float():
            return _json_float(value)
        case list() | dict() if depth >= NESTING_LIMIT:
            return None
        case list():
            return [_plain(item, depth + 1) for item in value]
        case dict():
            return {key: _plain(item, depth + 1) for key, item in value.items()}
        case _:
            return value


def _json(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        # orjson takes no lone surrogates and no integers beyond 64 bits. A source may hold both, and JSON can.
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
