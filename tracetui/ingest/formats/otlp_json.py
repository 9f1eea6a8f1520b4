"""OTLP in JSON: what collectors write to files, and what Jaeger's v3 API and Tempo answer.

One request is `{"resourceSpans": [{"resource", "scopeSpans": [{"scope", "spans": [...]}]}]}`, times in nanoseconds.
The schema is open-telemetry/opentelemetry-proto's `trace/v1/trace.proto`. Besides the JSON that OTLP specifies (hex
ids, enums as numbers) this reads what protobuf's own JSON makes of the same messages (base64 ids, enums by name,
snake_case), as Tempo and older Jaegers send it, and the names of before 2022 (`instrumentationLibrarySpans`).
"""

from __future__ import annotations

import base64
import json
import operator
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Raw, Struct

from tracetui.ingest import lenient
from tracetui.ingest.deciding import DecidingAttributes
from tracetui.ingest.formats.numbers import whole_number
from tracetui.ingest.formats.otlp_records import (
    JAEGER_WARNINGS,
    VALUE_NESTING,
    dropped_warnings,
    hex_id,
    link_with_kind,
    mark_missing_times,
    state_of_otlp,
)
from tracetui.ingest.place import Place
from tracetui.ingest.status import kind_named, status_named
from tracetui.model.intake import CHUNK_SPANS, MARK_SHIFT, STATUS_SHIFT
from tracetui.model.span import Event, Kind, Link, Mark, Value

_JSON_NESTING = 250
_NONE = Raw(b"")
_KINDS: dict[int | str, int] = {int(kind): int(kind) for kind in Kind}


class _Status(Struct, gc=False):
    code: int | str = 0
    message: str = ""


class _Span(Struct, gc=False):
    traceId: str  # noqa: N815 - the wire's spelling, as below
    spanId: str  # noqa: N815
    parentSpanId: str = ""  # noqa: N815
    name: str = ""
    kind: int | str = 0
    startTimeUnixNano: int = 0  # noqa: N815
    endTimeUnixNano: int = 0  # noqa: N815
    attributes: Raw = _NONE
    droppedAttributesCount: int = 0  # noqa: N815
    events: Raw = _NONE
    droppedEventsCount: int = 0  # noqa: N815
    links: Raw = _NONE
    droppedLinksCount: int = 0  # noqa: N815
    status: _Status | None = None


class _Scope(Struct, gc=False):
    name: str = ""
    version: str = ""


class _ScopeSpans(Struct, gc=False):
    scope: _Scope | None = None
    instrumentationLibrary: _Scope | None = None  # noqa: N815
    spans: list[_Span] | None = None


class _Resource(Struct, gc=False):
    attributes: Raw = _NONE


class _ResourceSpans(Struct, gc=False):
    resource: _Resource | None = None
    scopeSpans: list[_ScopeSpans] | None = None  # noqa: N815
    instrumentationLibrarySpans: list[_ScopeSpans] | None = None  # noqa: N815
    # a list here fails the strict decoder, which would otherwise pass over it as an unknown field
    scope_spans: None = None
    instrumentation_library_spans: None = None


class _Request(Struct, gc=False):
    resourceSpans: list[_ResourceSpans] | None = None  # noqa: N815
    batches: list[_ResourceSpans] | None = None
    resource_spans: None = None


class _KeyValue(Struct, gc=False):
    key: str
    value: Any = None


# not strict: protobuf's JSON has integers in quotes
_REQUEST = msgspec.json.Decoder(_Request, strict=False)
_PAIRS = msgspec.json.Decoder(list[_KeyValue])
_from_base64 = partial(base64.b64decode, validate=True)


class OtlpJsonCodec:
    """Reads OTLP's attributes, events and links in JSON."""

    def attributes(self, raw: bytes) -> dict[str, Value]:
        if raw in (b"", b"[]", b"null"):
            return {}
        try:
            return {pair.key: _value(pair.value) for pair in _PAIRS.decode(raw)}
        except (ValueError, RecursionError):
            return _attributes(_loads(raw))

    def events(self, raw: bytes) -> list[Event]:
        return [
            Event(whole_number(_field(item, "timeUnixNano")) or 0, _text(item.get("name")), attributes)
            for item, attributes in _members(raw)
        ]

    def links(self, raw: bytes) -> list[Link]:
        return [
            link_with_kind(
                hex_id(_text(_field(item, "traceId")), 32), hex_id(_text(_field(item, "spanId")), 16), attributes
            )
            for item, attributes in _members(raw)
        ]


CODEC = OtlpJsonCodec()

_NEEDLES = (b'status_code"', b'"error', b'"@jaeger@warnings"')
_deciding = DecidingAttributes(CODEC.attributes, state_of_otlp, _NEEDLES, closing=1, nested=b"kvlistValue")


def decode_request(raw: bytes | Raw, place: Place) -> None:
    """Take in one request object; ValueError if it is none.

    A span that is no span is left out and a field of a wrong type is repaired, each with a warning.
    """
    try:
        request = _REQUEST.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        request = _lenient_request(bytes(memoryview(raw)), place)
    for resource_spans in (request.resourceSpans or []) + (request.batches or []):
        _take_resource(resource_spans, place)


def _take_resource(resource_spans: _ResourceSpans, place: Place) -> None:
    resource = resource_spans.resource
    service, attributes = _service_apart(bytes(resource.attributes) if resource else b"")
    for part in (resource_spans.scopeSpans or []) + (resource_spans.instrumentationLibrarySpans or []):
        spans = part.spans or []
        scope = part.scope or part.instrumentationLibrary or _Scope()
        number = place.intake.resource(service, attributes, CODEC, scope.name, scope.version) if spans else 0
        for at in range(0, len(spans), CHUNK_SPANS):
            _take_spans(spans[at : at + CHUNK_SPANS], number, place)


def _take_spans(spans: list[_Span], resource: int, place: Place) -> None:
    intake = place.intake
    position = len(intake)
    traces = [span.traceId for span in spans]
    trace_numbers = {text: place.trace(hex_id(text, 32)) for text in dict.fromkeys(traces)}
    ids = [span.spanId for span in spans]
    if set(map(len, ids)) != {16}:
        ids = [hex_id(text, 16) for text in ids]
        if "" in ids:
            place.warn(f"{ids.count('')} spans without a span id; nothing can be their child")
    parents = [span.parentSpanId for span in spans]
    if not set(map(len, parents)) <= {0, 16}:
        parents = [hex_id(text, 16) for text in parents]
    starts = [span.startTimeUnixNano for span in spans]
    ends = [span.endTimeUnixNano for span in spans]
    attributes = [bytes(span.attributes) for span in spans]
    natives = []
    warnings: dict[int, list[str]] = {}
    for i, span in enumerate(spans):
        kind = _KINDS.get(span.kind)
        if kind is None:
            kind = kind_named(span.kind)
        status = span.status
        if status is not None:
            if status.code:
                kind |= status_named(status.code) << STATUS_SHIFT
            if status.message:
                intake.status_messages[position + i] = status.message
        natives.append(kind)
        if span.droppedAttributesCount or span.droppedEventsCount or span.droppedLinksCount:
            warnings[i] = dropped_warnings(span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount)
    states, peers = _deciding.states(attributes, natives)
    for i, state in enumerate(states):
        if state >= 1 << MARK_SHIFT:
            warnings.setdefault(i, []).extend(_jaeger_warnings(attributes[i]))
    for i, texts in warnings.items():
        if texts:
            intake.warn_span(position + i, texts)
            states[i] |= Mark.SOURCE_WARNING << MARK_SHIFT
    durations = list(map(operator.sub, ends, starts))
    mark_missing_times(starts, ends, durations, states)
    rows = intake.rows
    rows.trace += map(trace_numbers.__getitem__, traces)
    rows.span_id += ids
    rows.parent_id += parents
    rows.name += intake.names.many([span.name for span in spans])
    rows.resource += [resource] * len(spans)
    rows.start_ns += starts
    rows.duration_ns += durations
    rows.state += states
    rows.peer += intake.peers.many(peers)
    rows.attributes += attributes
    # asking first is cheaper than copying nothing
    rows.events += [b"" if span.events is _NONE else bytes(span.events) for span in spans]
    rows.links += [b"" if span.links is _NONE else bytes(span.links) for span in spans]
    if len(rows.trace) >= CHUNK_SPANS:
        intake.flush()


def _jaeger_warnings(attributes: bytes) -> list[str]:
    value = CODEC.attributes(attributes).get(JAEGER_WARNINGS)
    return [str(text) for text in (value if isinstance(value, list) else [value])]


@lru_cache(maxsize=256)
def _service_apart(raw: bytes) -> tuple[str, bytes]:
    """The service name of a resource, and its attributes without it: it is a column of its own."""
    if b"service.name" not in raw:
        return "", raw
    others = [item for item in _objects(_loads(raw)) if item.get("key") != "service.name"]
    return _text(CODEC.attributes(raw).get("service.name")), _encoded(others)


# --- Values ---------------------------------------------------------------------------------------------------------


def _value(value: Any, depth: int = 0) -> Value:
    if not isinstance(value, dict):
        return _plain(value)
    for kind, content in value.items():
        match kind:
            case "stringValue" | "string_value" | "boolValue" | "bool_value":
                return _plain(content)
            case "intValue" | "int_value":
                number = whole_number(content)
                return _plain(content) if number is None else number
            case "doubleValue" | "double_value":
                return _converted(float, content)
            case "bytesValue" | "bytes_value":
                return _converted(_from_base64, content)
            case "arrayValue" | "array_value" if depth < VALUE_NESTING:
                items = content.get("values") if isinstance(content, dict) else content
                return [_value(item, depth + 1) for item in items] if isinstance(items, list) else []
            case "kvlistValue" | "kvlist_value" if depth < VALUE_NESTING:
                return _attributes(content.get("values") if isinstance(content, dict) else content, depth + 1)
    return None


def _plain(content: Any) -> Value:
    """Content of another type than its name says, if it is one that a value can have and not nested."""
    return None if isinstance(content, (list, dict)) else content


def _converted(convert: Callable[[Any], Value], content: Any) -> Value:
    try:
        return convert(content)
    except (ValueError, TypeError, OverflowError):
        return _plain(content)


def _attributes(value: Any, depth: int = 0) -> dict[str, Value]:
    return {
        item["key"]: _value(item.get("value"), depth) for item in _objects(value) if isinstance(item.get("key"), str)
    }


def _loads(raw: bytes) -> Any:
    try:
        return lenient.loads(raw)
    except ValueError:
        pruned = _pruned(raw)
        return None if pruned is raw else _loads(pruned)


def _members(raw: bytes) -> list[tuple[dict[str, Any], dict[str, Value]]]:
    return [(item, _attributes(item.get("attributes"))) for item in _objects(_loads(raw))] if raw else []


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


@lru_cache
def _snake(name: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _field(item: dict[str, Any], name: str) -> Any:
    """A field by its name in JSON or in the schema (`traceId`, `trace_id`)."""
    value = item.get(name)
    return item.get(_snake(name)) if value is None else value


# --- JSON that is not as it should be -------------------------------------------------------------------------------

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


def _pruned(raw: bytes) -> bytes:
    """JSON with null in place of what is nested deeper than any reader can go."""
    depth = start = end = 0
    kept = []
    for token in _TOKEN.finditer(raw):
        match raw[token.start()]:
            case 0x5B | 0x7B:
                depth += 1
                if depth == _JSON_NESTING + 1:
                    start = token.start()
            case 0x5D | 0x7D:
                if depth == _JSON_NESTING + 1:
                    kept += [raw[end:start], b"null"]
                    end = token.end()
                depth -= 1
    return b"".join([*kept, raw[end:]]) if kept else raw


def _lenient_request(raw: bytes, place: Place) -> _Request:
    pruned = _pruned(raw)
    if pruned is not raw:
        place.warn(f"values nested deeper than {_JSON_NESTING} levels left out")
    value = lenient.loads(pruned)
    if not isinstance(value, dict):
        raise ValueError("not an OTLP request: no JSON object")
    reader = _Lenient()
    request: _Request = reader.build(_Request, value, place)
    for problem, (first, count) in reader.problems.items():
        first.warn(problem if count == 1 else f"{problem} (and {count - 1} more like this)")
    return request


class _Lenient:
    """Fills structs with whatever is there, and counts the problems: a field that is wrong once is wrong often."""

    def __init__(self) -> None:
        self.problems: dict[str, tuple[Place, int]] = {}

    def note(self, problem: str, place: Place) -> None:
        first, count = self.problems.get(problem, (place, 0))
        self.problems[problem] = first, count + 1

    def build(self, struct: type, item: dict[str, Any], place: Place) -> Any:
        values: dict[str, Any] = {}
        for name, wanted in _fields(struct):
            value = _field(item, name)
            if wanted is str:
                values[name] = _text(value)
            elif value is not None:
                values[name] = self.read(wanted, value, name, place)
        return struct(**values)

    def read(self, wanted: Any, value: Any, name: str, place: Place) -> Any:
        if wanted is Raw:
            # the one name that is looked for before values are decoded
            return Raw(_encoded(value).replace(b'"kvlist_value":', b'"kvlistValue":'))
        if wanted is int or wanted == int | str:
            number = whole_number(value)
            if number is None and wanted is int and value != "":
                self.note(f"{name} is no number; read as 0", place)
            return number if number is not None else 0 if wanted is int else _text(value)
        struct = get_args(wanted)[0]
        if get_origin(struct) is not list:
            return self.build(struct, value if isinstance(value, dict) else {}, place)
        (struct,) = get_args(struct)
        members = []
        for i, member in enumerate(value if isinstance(value, list) else [value]):
            at = place.at(f"{name}[{i}]")
            if isinstance(member, dict):
                members.append(self.build(struct, member, at))
            else:
                self.note("left out: no object", at)
        return members


@lru_cache
def _fields(struct: type) -> list[tuple[str, Any]]:
    return [(field.name, field.type) for field in msgspec.structs.fields(struct) if field.type is not type(None)]
