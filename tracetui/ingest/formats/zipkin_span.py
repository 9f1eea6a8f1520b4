"""A Zipkin span object, and how the pieces in which one was sent make it whole.

Zipkin lets a span be sent in pieces: its start, its end, a tag that came late. And its two ends of an RPC may share
one id. What is a piece and what is another half follows openzipkin/zipkin's `zipkin-lens/src/zipkin/span-cleaner.js`,
except that a client's span is never merged with a server's, and that nothing is merged that disagrees on its times.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tracetui.ingest import lenient
from tracetui.ingest.formats.numbers import whole_number
from tracetui.ingest.status import kind_named
from tracetui.model.span import Event, Kind, Link, Value

UNNAMED = "unknown"
"""Zipkin's word for a span without a name."""

UNREADABLE = (ValueError, RecursionError)
"""What msgspec raises on input that it does not take."""

NONE = Raw(b"null")

_KINDS = {None: Kind.UNSPECIFIED, "CLIENT": Kind.CLIENT, "SERVER": Kind.SERVER}
_MOST_PIECES = 64
"""More than this are no pieces of one span, but spans of a tracer that gives all of them one id."""
_ENDPOINT_KEYS = ("serviceName", "ipv4", "ipv6", "port")


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
    """Of version 1: a span with any is none of version 2."""


def kind_of(span: ZipkinSpan) -> Kind:
    """The kind of a span; UNSPECIFIED for one that states none, which is local to its service or a piece."""
    return _KINDS.get(span.kind) or kind_named(span.kind)


def is_shared(span: ZipkinSpan) -> bool:
    """Whether a span is the server half of an RPC with one id; clients that say so are wrong."""
    return bool(span.shared) and kind_of(span) is not Kind.CLIENT


def loads(raw: Raw | bytes) -> Any:
    """A JSON value, or None if it is none."""
    try:
        return lenient.loads(raw)
    except ValueError:
        return None


def raw_of(value: Any) -> Raw:
    """A value as JSON; null if it cannot be written."""
    try:
        return Raw(msgspec.json.encode(value))
    except UNREADABLE:
        return NONE


def text_of(value: Any) -> str:
    """A text, or the JSON of what should have been one."""
    if isinstance(value, str):
        return value
    return "" if value is None else bytes(raw_of(value)).decode()


def as_object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


class _Annotation(Struct, gc=False):
    timestamp: int = 0
    value: str = ""


_TAGS = msgspec.json.Decoder(dict[str, Any])
_ANNOTATIONS = msgspec.json.Decoder(list[_Annotation])
_QUOTED_EVENT = re.compile(r'("(?:[^"\\]|\\.)*"):\s*(\{.*\})', re.DOTALL)
_PIPED_EVENT = re.compile(r"([^|]*)\|(\{.*\})\|(\d{1,10})", re.DOTALL)


class ZipkinCodec:
    """Reads Zipkin's tags and annotations, and the links that OpenTelemetry's collector writes as tags."""

    def attributes(self, raw: bytes) -> dict[str, Value]:
        if not raw:
            return {}
        try:
            return _TAGS.decode(raw)
        except UNREADABLE:
            return as_object(loads(raw))

    def events(self, raw: bytes) -> list[Event]:
        if not raw:
            return []
        try:
            notes = _ANNOTATIONS.decode(raw)
        except UNREADABLE:
            notes = [
                _Annotation(whole_number(note.get("timestamp")) or 0, text_of(note.get("value")))
                for note in objects(loads(raw))
            ]
        return [_event(note.timestamp * 1000, note.value) for note in notes]

    def links(self, raw: bytes) -> list[Link]:
        return [_link(text) for text in loads(raw)] if raw else []


CODEC = ZipkinCodec()


def _event(time_ns: int, value: str) -> Event:
    """An event from an annotation: OpenTelemetry's SDKs write `"name": {json}`, its collector `name|{json}|dropped`."""
    if value.endswith("}") and (match := _QUOTED_EVENT.fullmatch(value)):
        name, attributes = loads(match[1].encode()), loads(match[2].encode())
        if isinstance(name, str) and isinstance(attributes, dict):
            return Event(time_ns, name, attributes)
    elif "|{" in value and (match := _PIPED_EVENT.fullmatch(value)):
        attributes = loads(match[2].encode())
        if isinstance(attributes, dict):
            dropped = {"otel.dropped_attributes_count": int(match[3])} if int(match[3]) else {}
            return Event(time_ns, match[1], {**attributes, **dropped})
    return Event(time_ns, value)


def _link(text: str) -> Link:
    trace_id, span_id, _state, rest = text.split("|", 3)
    return Link(trace_id, span_id, "", as_object(loads(rest.rpartition("|")[0].encode())))


def links_of(attributes: dict[str, Value]) -> bytes:
    """The links that OpenTelemetry's collector wrote as tags, as `ZipkinCodec` reads them."""
    found = [
        (len(key), key, value)
        for key, value in attributes.items()
        if key.startswith("otlp.link.") and isinstance(value, str) and value.count("|") >= 4
    ]
    return msgspec.json.encode([value for *_, value in sorted(found)]) if found else b""


# --- Pieces ---------------------------------------------------------------------------------------------------------


def settle(pieces: Sequence[ZipkinSpan]) -> list[ZipkinSpan]:
    """The spans that pieces of one trace and id make up, clients first.

    Equal pieces stay as many as they are, so that what repeats is counted where all repeats are.
    """
    if len(pieces) == 2 and {pieces[0].kind, pieces[1].kind} == {"CLIENT", "SERVER"}:
        # by far the most frequent case
        spans = list(pieces) if pieces[0].kind == "CLIENT" else [pieces[1], pieces[0]]
    else:
        spans = _joined(pieces)
    caller = spans[0]
    if not is_shared(caller):
        for span in spans[1:]:
            if kind_of(caller) is Kind.CLIENT and kind_of(span) is Kind.SERVER:
                span.shared = True
            if is_shared(span) and not span.parentId:
                span.parentId = caller.parentId
    return spans


def _joined(pieces: Sequence[ZipkinSpan]) -> list[ZipkinSpan]:
    distinct: dict[bytes, list[ZipkinSpan]] = {}
    for piece in pieces:
        distinct.setdefault(msgspec.json.encode(piece), []).append(piece)
    mergeable = len(distinct) <= _MOST_PIECES
    spans: list[ZipkinSpan] = []
    repeats: list[int] = []
    for piece, *repeated in sorted(distinct.values(), key=_settling_order):
        into = next((i for i, span in enumerate(spans) if _are_one(span, piece)), None) if mergeable else None
        if into is None:
            spans.append(piece)
            repeats.append(len(repeated))
        else:
            spans[into] = _merged(spans[into], piece)
            repeats[into] += len(repeated)
    return [span for span, more in zip(spans, repeats, strict=True) for _ in range(1 + more)]


def _settling_order(alike: list[ZipkinSpan]) -> tuple[bool, bool, bool]:
    span = alike[0]
    return is_shared(span), kind_of(span) is not Kind.CLIENT, bool(_endpoint_fields(span.localEndpoint))


def _endpoint_fields(raw: Raw) -> dict[str, Any]:
    fields = as_object(loads(raw))
    return {key: fields[key] for key in _ENDPOINT_KEYS if fields.get(key)}


def _are_one(span: ZipkinSpan, piece: ZipkinSpan) -> bool:
    """Whether a piece may belong to a span: nothing that both of them say differs.

    Two that both have a start and a duration, but not the same, are two spans with one id.
    """
    if is_shared(span) != is_shared(piece):
        return False
    kinds = {kind_named(span.kind), kind_named(piece.kind)} - {Kind.UNSPECIFIED}
    if len(kinds) > 1:
        return False
    times, others = (span.timestamp, span.duration), (piece.timestamp, piece.duration)
    if all(times) and all(others) and times != others:
        return False
    known, other = _endpoint_fields(span.localEndpoint), _endpoint_fields(piece.localEndpoint)
    return all(other.get(key, value) == value for key, value in known.items())


def _merged(span: ZipkinSpan, piece: ZipkinSpan) -> ZipkinSpan:
    notes = [*objects(loads(span.annotations)), *objects(loads(piece.annotations))]
    names = [name for name in (span.name, piece.name) if name and name != UNNAMED]
    return ZipkinSpan(
        traceId=span.traceId,
        id=span.id,
        parentId=span.parentId or piece.parentId,
        kind=span.kind or piece.kind,
        name=names[0] if names else None,
        timestamp=span.timestamp or piece.timestamp,
        duration=piece.duration if span.duration is None else span.duration,
        shared=span.shared,
        localEndpoint=raw_of(as_object(loads(piece.localEndpoint)) | as_object(loads(span.localEndpoint))),
        remoteEndpoint=raw_of(as_object(loads(piece.remoteEndpoint)) | as_object(loads(span.remoteEndpoint))),
        annotations=raw_of(list({bytes(raw_of(note)): note for note in notes}.values())),
        tags=raw_of(as_object(loads(span.tags)) | as_object(loads(piece.tags))),
    )
