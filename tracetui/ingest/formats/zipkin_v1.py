"""Zipkin JSON version 1, in which pairs of annotations (`cs` and `cr`, `sr` and `ss`) define a span.

A span becomes one or two spans of version 2. The rules are those of openzipkin/zipkin's
`zipkin/src/main/java/zipkin2/v1/V1SpanConverter.java`, except that an end before its start is kept, and flagged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field
from tracetui.ingest.formats.item_lists import as_object, objects_of
from tracetui.ingest.formats.zipkin_json import SPAN_V2, decode_items, read_span
from tracetui.ingest.formats.zipkin_lenient import Repairs, has_ids, id_field, read_id, span_fields, time_field
from tracetui.ingest.formats.zipkin_span import NONE, UNREADABLE, ZipkinSpan, raw_of, text_or_json

Endpoint = dict[str, Any]

_KINDS = {"cs": "CLIENT", "cr": "CLIENT", "sr": "SERVER", "ss": "SERVER", "ms": "PRODUCER", "mr": "CONSUMER"}
_CORE = frozenset({*_KINDS, "ws", "wr"})
_ADDRESSES = frozenset({"ca", "sa", "ma"})
_OF_V2 = (b'Endpoint"', b'_endpoint"', b'"tags"')


class _V1Annotation(Struct, gc=False):
    timestamp: int = 0
    value: str = ""
    endpoint: Endpoint | None = None


class _BinaryAnnotation(Struct, gc=False):
    key: str
    value: Any = ""
    endpoint: Endpoint | None = None


class _ZipkinV1Span(Struct, gc=False):
    traceId: str  # noqa: N815 - the wire's spelling, as below
    id: str
    parentId: str | None = None  # noqa: N815
    name: str | None = None
    timestamp: int | None = None
    duration: int | None = None
    annotations: list[_V1Annotation] | None = None
    binaryAnnotations: list[_BinaryAnnotation] | None = None  # noqa: N815
    kind: str | None = None
    """Field of version 2, as is `shared`: a minimal span of that version looks like version 1."""
    shared: bool | None = None


_SPAN = msgspec.json.Decoder(_ZipkinV1Span)


def decode_spans(items: Sequence[Raw | bytes], context: DecodeContext) -> None:
    """Decode the span objects of one document, each by its own version, as a list may mix both.

    Items that are not spans are skipped and fields of a wrong type repaired, each with a warning.
    """
    decode_items(items, context, _read)


def is_v1(item: bytes) -> bool:
    """Test whether a span object is of version 1: without a local or remote endpoint and without tags."""
    return b'"binaryAnnotations"' in item or not any(map(item.__contains__, _OF_V2))


def _read(item: Raw | bytes, index: int, repairs: Repairs) -> Sequence[ZipkinSpan]:
    try:
        found = SPAN_V2.decode(item)
    except UNREADABLE:
        pass
    else:
        if found.localEndpoint is not NONE or found.tags is not NONE:
            if found.id[-1:] == "=":
                found.traceId, found.id, found.parentId = map(read_id, (found.traceId, found.id, found.parentId or ""))
            if found.traceId and found.id:
                return (found,)
            return (found,) if has_ids(found, index, repairs) else ()
    if not is_v1(bytes(item)):
        return read_span(item, index, repairs)
    try:
        span = _SPAN.decode(item)
    except UNREADABLE:
        fields = span_fields(item, index, repairs)
        if fields is None:
            return ()
        span = _lenient_span(fields, index, repairs)
    halves = _Split(span).spans()
    return halves if has_ids(halves[0], index, repairs) else ()


def _lenient_span(fields: dict[str, Any], index: int, repairs: Repairs) -> _ZipkinV1Span:
    return _ZipkinV1Span(
        traceId=id_field(fields, "traceId"),
        id=id_field(fields, "id"),
        parentId=id_field(fields, "parentId", "parentSpanId"),
        name=text_or_json(field(fields, "name")),
        timestamp=time_field(fields, "timestamp", index, repairs),
        duration=time_field(fields, "duration", index, repairs, length=True),
        annotations=[
            _V1Annotation(
                time_field(note, "timestamp", index, repairs) or 0,
                text_or_json(note.get("value")),
                as_object(note.get("endpoint")),
            )
            for note in objects_of(field(fields, "annotations"))
        ],
        binaryAnnotations=[
            _BinaryAnnotation(text_or_json(note.get("key")), note.get("value"), as_object(note.get("endpoint")))
            for note in objects_of(field(fields, "binaryAnnotations"))
        ],
        kind=text_or_json(field(fields, "kind")),
        shared=fields.get("shared") is True,
    )


class _Half(Struct):
    """Part of one service in a span."""

    local: Endpoint | None = None
    kind: str | None = None
    timestamp: int | None = None
    duration: int | None = None
    shared: bool | None = None
    remote: Endpoint | None = None
    notes: list[dict[str, Any]] = []
    tags: dict[str, str] = {}

    def set_times(self, start: int, end: int | None) -> None:
        self.timestamp = start
        self.duration = None if end is None else end - start


class _Split:
    """Halves of a span of version 1: one for each service that annotated it."""

    def __init__(self, span: _ZipkinV1Span) -> None:
        self.span = span
        self.first = _Half(kind=span.kind, shared=span.shared)
        self.halves = [self.first]
        self.core: dict[str, _V1Annotation] = {}
        for note in span.annotations or []:
            self._add_annotation(note)
        self._infer_starts()
        self._time_rpc()
        self._time_message()
        self._read_binary_annotations()

    def spans(self) -> list[ZipkinSpan]:
        span = self.span
        return [
            ZipkinSpan(
                traceId=span.traceId,
                id=span.id,
                parentId=span.parentId,
                kind=half.kind,
                name=span.name,
                timestamp=half.timestamp,
                duration=half.duration,
                shared=half.shared,
                localEndpoint=_raw(half.local),
                remoteEndpoint=_raw(half.remote),
                annotations=_raw(half.notes),
                tags=_raw(half.tags),
            )
            for half in self.halves
        ]

    def _of(self, endpoint: Endpoint | None) -> _Half:
        """Get the half of an endpoint's service; the first one without an endpoint."""
        if not endpoint:
            return self.first
        if not self.first.local:
            self.first.local = endpoint
            return self.first
        service = endpoint.get("serviceName")
        matching = (half for half in self.halves if half.local and half.local.get("serviceName") == service)
        return next(matching, None) or self._another(endpoint)

    def _another(self, endpoint: Endpoint | None) -> _Half:
        half = _Half(local=endpoint)
        self.halves.append(half)
        return half

    def _add_annotation(self, note: _V1Annotation) -> None:
        half = self._of(note.endpoint)
        if note.endpoint and note.value in _CORE:
            half.kind = _KINDS.get(note.value, half.kind)
            self.core[note.value] = note
        else:
            _keep(half, note)

    def _infer_starts(self) -> None:
        span = self.span
        if not span.timestamp or not span.duration:
            return
        for begin, end in (("cs", "cr"), ("sr", "ss")):
            last = self.core.get(end)
            if begin not in self.core and last and last.timestamp == span.timestamp + span.duration:
                self.core[begin] = _V1Annotation(span.timestamp, begin, last.endpoint)

    def _time_rpc(self) -> None:
        span, core = self.span, self.core
        sent, received = core.get("cs"), core.get("sr")
        if sent and received:
            # the times of the span are the client's; only annotations have the server's
            self._time("cs", "cr")
            client, server = self._of(sent.endpoint), self._of(received.endpoint)
            if client is server:
                client.kind = "CLIENT"
                server = self._another(received.endpoint)
            server.kind = "SERVER"
            server.shared = True
            server.set_times(received.timestamp, core["ss"].timestamp if "ss" in core else None)
        elif sent and "cr" in core:
            self._time("cs", "cr")
        elif received and "ss" in core:
            self._time("sr", "ss")
        else:
            self._time_incomplete()
        if received and not sent and (not span.timestamp or ("ss" in core and not span.duration)):
            # the server half of an RPC left the times to the client
            self._of(received.endpoint).shared = True

    def _time_incomplete(self) -> None:
        for half in self.halves:
            for kind, begin, end in (("CLIENT", "cs", "cr"), ("SERVER", "sr", "ss")):
                if half.kind == kind:
                    if begin in self.core:
                        half.timestamp = self.core[begin].timestamp
                    if end in self.core:
                        _keep(half, self.core[end])
        if self.span.timestamp:
            self.first.timestamp, self.first.duration = self.span.timestamp, self.span.duration

    def _time_message(self) -> None:
        core = self.core
        sent, received = core.get("ms"), core.get("mr")
        if sent and received:
            producer, consumer = self._of(sent.endpoint), self._of(received.endpoint)
            if producer is consumer:
                producer.kind = "PRODUCER"
                consumer = self._another(received.endpoint)
            consumer.kind = "CONSUMER"
            consumer.shared = True
            consumer.set_times(received.timestamp, None)
            if "wr" in core:
                consumer.set_times(core["wr"].timestamp, received.timestamp)
            producer.set_times(sent.timestamp, core["ws"].timestamp if "ws" in core else None)
        elif sent:
            self._time("ms", "ws")
        elif received and "wr" in core:
            self._time("wr", "mr")
        elif received:
            self._time("mr", "")
        else:
            for name in ("ws", "wr"):
                if name in core:
                    _keep(self._of(core[name].endpoint), core[name])

    def _time(self, begin: str, end: str) -> None:
        span, core = self.span, self.core
        half = self._of(core[begin].endpoint)
        if span.timestamp and span.duration:
            half.timestamp, half.duration = span.timestamp, span.duration
        else:
            half.set_times(core[begin].timestamp, core[end].timestamp if end in core else None)

    def _read_binary_annotations(self) -> None:
        addresses: dict[str, Endpoint] = {}
        for note in self.span.binaryAnnotations or []:
            if note.key in _ADDRESSES and note.endpoint and note.value in (True, "true", "1", 1):
                addresses[note.key] = note.endpoint
                continue
            half = self._of(note.endpoint)
            if note.key != "lc" or note.value not in ("", None):
                half.tags[note.key] = text_or_json(note.value)
        core = self.core
        client, server = core.get("cs") or core.get("cr"), core.get("sr") or core.get("ss")
        ca, sa = addresses.get("ca"), addresses.get("sa")
        if not client and not server and (ca or sa):
            half = self._of(ca if sa else None)
            half.remote = sa or ca
            if not sa:
                half.kind = "SERVER"
            return
        if ca and server and server.endpoint and ca != server.endpoint:
            # some tracers write the client's port for the server, which would look like a call to itself
            own = ca.get("serviceName") == server.endpoint.get("serviceName")
            self._half_of("SERVER", server).remote = {**ca, "serviceName": None} if own else ca
        if sa and client:
            self._half_of("CLIENT", client).remote = sa
        for name, kind in (("ms", "PRODUCER"), ("mr", "CONSUMER")):
            if "ma" in addresses and name in core:
                self._half_of(kind, core[name]).remote = addresses["ma"]

    def _half_of(self, kind: str, note: _V1Annotation) -> _Half:
        """Get the half of a core annotation; if a service called itself, the half of this kind."""
        return next((half for half in self.halves if half.kind == kind), None) or self._of(note.endpoint)


def _keep(half: _Half, note: _V1Annotation) -> None:
    half.notes.append({"timestamp": note.timestamp, "value": note.value})


def _raw(value: Any) -> Raw:
    return raw_of(value) if value else NONE
