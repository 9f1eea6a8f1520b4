"""Zipkin span objects.

Zipkin allows a span to be sent in pieces (start, end, late tags), and both ends of an RPC may share one id. Pieces and
halves are joined in assembly, as for all formats.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tracetui.ingest.formats.field_names import field, read_kind
from tracetui.ingest.formats.item_lists import as_object, objects_of
from tracetui.ingest.formats.numbers import moment_ns
from tracetui.ingest.formats.value_nesting import limit_values
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.json_repair.lenient_json import loads_or_none
from tracetui.model.span import Event, Kind, Link, Value

UNNAMED = "unknown"
"""Zipkin's name for a span without a name."""

UNREADABLE = (ValueError, RecursionError)
"""Exceptions that msgspec raises for unsupported input."""

NONE = Raw(b"null")

_KINDS = {None: Kind.UNSPECIFIED, "CLIENT": Kind.CLIENT, "SERVER": Kind.SERVER}


class ZipkinSpan(Struct, gc=False):
    traceId: str  # noqa: N815 - the wire's spelling, as below
    id: str
    parentId: str | None = None  # noqa: N815
    kind: str | None = None
    name: str | None = None
    timestamp: int | None = None
    duration: int | None = None
    shared: bool | None = None
    localEndpoint: Raw = NONE  # noqa: N815
    remoteEndpoint: Raw = NONE  # noqa: N815
    annotations: Raw = NONE
    tags: Raw = NONE
    binaryAnnotations: None = None  # noqa: N815
    """Field of version 1, never in version 2. The fields below are other writers' names."""
    parent_id: None = None
    parentID: None = None  # noqa: N815
    parentSpanId: None = None  # noqa: N815
    parentSpanID: None = None  # noqa: N815
    parent_span_id: None = None
    local_endpoint: None = None
    remote_endpoint: None = None
    serviceName: None = None  # noqa: N815


def kind_of(word: str | None) -> Kind:
    """Get the kind of a span by its name; UNSPECIFIED without one, for a local span or a piece of a span."""
    return _KINDS.get(word) or read_kind(word) or Kind.UNSPECIFIED


def is_shared(span: ZipkinSpan) -> bool:
    """Test whether a span is the server half of an RPC with one id; `shared` in a client span is a mistake."""
    return bool(span.shared) and kind_of(span.kind) is not Kind.CLIENT


def raw_of(value: Any) -> Raw:
    """Encode a value as JSON; null if that is not possible."""
    try:
        return Raw(msgspec.json.encode(value))
    except UNREADABLE:
        return NONE


def text_or_json(value: Any) -> str:
    """Return a text unchanged, another value as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else bytes(raw_of(value)).decode()


class _Annotation(Struct, gc=False):
    timestamp: int
    value: str


_TAGS = msgspec.json.Decoder(dict[str, Any])
_ANNOTATIONS = msgspec.json.Decoder(list[_Annotation])
_QUOTED_EVENT = re.compile(r'("(?:[^"\\]|\\.)*"):\s*(\{.*\})', re.DOTALL)
_PIPED_EVENT = re.compile(r"([^|]*)\|(\{.*\})\|(\d{1,10})", re.DOTALL)


class ZipkinCodec:
    """Codec for Zipkin tags and annotations, and for links that the OpenTelemetry collector writes as tags."""

    is_text = True

    def attributes(self, raw: bytes) -> dict[str, Value]:
        if not raw:
            return {}
        try:
            return limit_values(_TAGS.decode(raw))
        except UNREADABLE:
            return limit_values(as_object(loads_or_none(raw)))

    def events(self, raw: bytes) -> list[Event]:
        if not raw:
            return []
        try:
            return [_event(note.timestamp * 1000, note.value) for note in _ANNOTATIONS.decode(raw)]
        except UNREADABLE:
            return [
                _event(moment_ns(field(note, "timestamp"), 1000) or 0, text_or_json(field(note, "value")))
                for note in objects_of(loads_or_none(raw))
            ]

    def links(self, raw: bytes) -> list[Link]:
        return [_link(text) for text in loads_or_none(raw)] if raw else []


CODEC = ZipkinCodec()


def _event(time_ns: int, value: str) -> Event:
    """Convert an annotation to an event. OpenTelemetry SDKs write `"name": {json}` or (Python) `{"name": {json}}`, the
    collector writes `name|{json}|dropped`.
    """
    if value.endswith("}") and (match := _QUOTED_EVENT.fullmatch(value)):
        name, attributes = loads_or_none(match[1].encode()), loads_or_none(match[2].encode())
        if isinstance(name, str) and isinstance(attributes, dict):
            return Event(time_ns, name, limit_values(attributes))
    elif value[:1] == "{" and value.endswith("}}"):
        named = lenient_json.container_in(value)
        if isinstance(named, dict) and len(named) == 1:
            ((name, attributes),) = named.items()
            if isinstance(attributes, dict):
                return Event(time_ns, name, limit_values(attributes))
    elif "|{" in value and (match := _PIPED_EVENT.fullmatch(value)):
        attributes = loads_or_none(match[2].encode())
        if isinstance(attributes, dict):
            dropped = {"otel.dropped_attributes_count": int(match[3])} if int(match[3]) else {}
            return Event(time_ns, match[1], {**limit_values(attributes), **dropped})
    return Event(time_ns, value)


def _link(text: str) -> Link:
    trace_id, span_id, _state, rest = text.split("|", 3)
    return Link(trace_id, span_id, "", limit_values(as_object(loads_or_none(rest.rpartition("|")[0].encode()))))


def links_of(attributes: dict[str, Value]) -> bytes:
    """Encode the links in tags of the OpenTelemetry collector for `ZipkinCodec`."""
    found = [
        (len(key), key, value)
        for key, value in attributes.items()
        if key.startswith("otlp.link.") and isinstance(value, str) and value.count("|") >= 4
    ]
    return msgspec.json.encode([value for *_, value in sorted(found)]) if found else b""
