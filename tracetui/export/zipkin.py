"""Export to Zipkin JSON, v2 and v1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracetui.export.common import Json, as_text, hex_id, json_bytes, json_text, with_otel_tags
from tracetui.model.span import Flag, Kind, Span, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

ZIPKIN_KINDS = (Kind.CLIENT, Kind.SERVER, Kind.PRODUCER, Kind.CONSUMER)

PEER_ATTRIBUTES = ("service.peer.name", "peer.service")

V1_CORE = {
    "CLIENT": ("cs", "cr", "sa"),
    "SERVER": ("sr", "ss", "ca"),
    "PRODUCER": ("ms", "ws", "ma"),
    "CONSUMER": ("wr", "mr", "ma"),
}
"""Annotations for the beginning and end of each span kind, and for the address of the peer."""


def zipkin_v2(spans: Iterable[Span]) -> bytes:
    """Encode spans as a flat list of Zipkin v2 spans, as posted to Zipkin.

    Lost: links, times below a microsecond, durations of 0 (written as 1 µs), the kind INTERNAL (as none), the
    types of attributes (all become text), which attributes were the resource's (all become tags; the span's own win),
    and warnings. Ids as in `otlp_json`, but a trace id of up to 16 digits is not padded.
    """
    return json_bytes([_zipkin_span(span) for span in spans])


def zipkin_v1(spans: Iterable[Span]) -> bytes:
    """Encode spans as a flat list of Zipkin v1 spans, whose kinds are pairs of annotations. Lost: as `zipkin_v2`."""
    return json_bytes([_zipkin_v1_span(span) for span in spans])


def _zipkin_identity(span: Span) -> Json:
    identity: Json = {
        "traceId": hex_id(span.trace_id, 16 if len(span.trace_id) <= 16 else 32),
        "id": hex_id(span.span_id, 16),
        "name": span.name,
    }
    if span.parent_id is not None and span.parent_id != span.span_id:
        identity["parentId"] = hex_id(span.parent_id, 16)
    return identity


def _zipkin_times(span: Span) -> Json:
    times: Json = {"timestamp": span.start_ns // 1000} if span.start_ns >= 1000 else {}
    if Flag.NO_DURATION not in span.marks:
        times["duration"] = max(1, span.duration_ns // 1000)
    return times


def _zipkin_span(span: Span) -> Json:
    written = _zipkin_identity(span) | _zipkin_times(span) | {"localEndpoint": {"serviceName": span.service}}
    if span.kind in ZIPKIN_KINDS:
        written["kind"] = span.kind.name
    if Flag.SHARED in span.marks:
        written["shared"] = True
    if peer := _peer(span):
        written["remoteEndpoint"] = {"serviceName": peer}
    if span.events:
        written["annotations"] = _zipkin_annotations(span)
    return written | {"tags": _zipkin_tags(span)}


def _zipkin_v1_span(span: Span) -> Json:
    # the server half of a shared span has its times in annotations only: those of the span are the client's
    written = _zipkin_identity(span) | ({} if Flag.SHARED in span.marks else _zipkin_times(span))
    endpoint = {"serviceName": span.service}
    annotations: list[Json] = [note | {"endpoint": endpoint} for note in _zipkin_annotations(span)]
    tags: list[Json] = [{"key": key, "value": tag, "endpoint": endpoint} for key, tag in _zipkin_tags(span).items()]
    if span.kind in ZIPKIN_KINDS:
        begin, end, other = V1_CORE[span.kind.name]
        annotations.insert(0, {"timestamp": span.start_ns // 1000, "value": begin, "endpoint": endpoint})
        if Flag.NO_DURATION not in span.marks:
            annotations.append({"timestamp": span.end_ns // 1000, "value": end, "endpoint": endpoint})
        if peer := _peer(span):
            tags.append({"key": other, "value": True, "endpoint": {"serviceName": peer}})
    else:
        # in v1 only annotations name the service; an empty `lc` has no other meaning
        tags.append({"key": "lc", "value": "", "endpoint": endpoint})
    return written | {"annotations": annotations, "binaryAnnotations": tags}


def _peer(span: Span) -> str:
    return next((as_text(span.attributes[key]) for key in PEER_ATTRIBUTES if span.attributes.get(key)), "")


def _zipkin_tags(span: Span) -> dict[str, str]:
    tags = {key: as_text(value) for key, value in {**span.resource, **with_otel_tags(span)}.items()}
    # in Zipkin any value of this tag means an error, so only spans with an error may have it
    error = tags.pop("error", "")
    if span.status is Status.ERROR or span.error:
        tags["error"] = span.status_message or error
    return tags


def _zipkin_annotations(span: Span) -> list[Json]:
    """Convert events: only the name or, with attributes, name and attributes as OpenTelemetry writes them."""
    return [
        {
            "timestamp": event.time_ns // 1000,
            "value": f"{json_text(event.name)}: {json_text(dict(event.attributes))}"
            if event.attributes
            else event.name,
        }
        for event in span.events
    ]
