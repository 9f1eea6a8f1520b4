"""Export to Zipkin v2 JSON, and the parts that v1 shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracetui.export.common import (
    Json,
    as_text,
    count_flags,
    count_fractions,
    count_warnings,
    hex_id,
    json_bytes,
    json_items,
    json_text,
    spans_in,
    with_ids,
    with_otel_tags,
)
from tracetui.export.exporter import Exporter, Losses
from tracetui.model.peers import PEER_ATTRIBUTES
from tracetui.model.span import Flag, Kind, Span, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tracetui.model.traces import TraceSet

LOSSES: Final = "links, times below 1 µs, types of attributes, distinction of resource attributes"

ZIPKIN_KINDS = (Kind.CLIENT, Kind.SERVER, Kind.PRODUCER, Kind.CONSUMER)


def zipkin_v2(spans: Iterable[Span]) -> bytes:
    """Encode spans as a flat list of Zipkin v2 spans, as posted to Zipkin.

    Lost: links, times below a microsecond, durations of 0 (written as 1 µs), the kind INTERNAL (written as none), the
    types of attributes (all become text), the distinction of resource attributes (all become tags; those of the span
    win), and warnings. Ids as in `otlp_json`, but a trace id of up to 16 digits is not padded.
    """
    return json_bytes([_zipkin_span(span) for span in with_ids(spans)])


def _encode(traces: TraceSet, losses: Losses) -> Iterator[bytes]:
    yield from encode_array(traces, losses, _zipkin_span)


EXPORTER: Final = Exporter(
    name="zipkin",
    description="Zipkin v2 JSON",
    suffixes=(".zipkin.json", ".zipkin"),
    encode=_encode,
    losses=LOSSES,
)


def encode_array(traces: TraceSet, losses: Losses, encode: Callable[[Span], Json]) -> Iterator[bytes]:
    """Encode a set as a JSON array of spans, and count its losses."""
    count_warnings(traces, losses)
    count_flags(traces, losses, Flag.NO_DURATION)

    def counted(span: Span) -> Json:
        losses["link{}"] += len(span.links)
        values = (*span.attributes.values(), *span.resource.values())
        losses["type{} of attributes (written as text)"] += sum(not isinstance(value, str) for value in values)
        losses["resource attribute{} as such (written as tags)"] += len(span.resource)
        shadowed = span.resource.keys() & span.attributes.keys()
        losses["resource attribute{} with the name of a span attribute"] += len(shadowed)
        is_ok = span.status is not Status.ERROR and not span.error
        losses["attribute{} error of spans without an error"] += is_ok and "error" in span.attributes
        losses["duration{} of 0 (written as 1 µs)"] += span.duration_ns == 0 and Flag.NO_DURATION not in span.flags
        count_fractions(span, losses)
        return encode(span)

    yield b"["
    yield from json_items(with_ids(spans_in(traces)), counted)
    yield b"]\n"


def zipkin_identity(span: Span) -> Json:
    """Build the members with the ids and the name."""
    identity: Json = {
        "traceId": hex_id(span.trace_id, 16 if len(span.trace_id) <= 16 else 32),
        "id": hex_id(span.span_id, 16),
        "name": span.name,
    }
    if span.parent_id is not None and span.parent_id != span.span_id:
        identity["parentId"] = hex_id(span.parent_id, 16)
    return identity


def zipkin_times(span: Span) -> Json:
    """Build the members with start and duration in microseconds; a start of 0 and a missing duration are omitted."""
    times: Json = {"timestamp": span.start_ns // 1000} if span.start_ns >= 1000 else {}
    if Flag.NO_DURATION not in span.flags:
        times["duration"] = max(1, span.duration_ns // 1000)
    return times


def _zipkin_span(span: Span) -> Json:
    written = zipkin_identity(span) | zipkin_times(span) | {"localEndpoint": {"serviceName": span.service}}
    if span.kind in ZIPKIN_KINDS:
        written["kind"] = span.kind.name
    if Flag.SHARED in span.flags:
        written["shared"] = True
    if peer := peer_of(span):
        written["remoteEndpoint"] = {"serviceName": peer}
    if span.events:
        written["annotations"] = zipkin_annotations(span)
    return written | {"tags": zipkin_tags(span)}


def peer_of(span: Span) -> str:
    """Name the call target by its attribute; '' for none."""
    return next((as_text(span.attributes[key]) for key in PEER_ATTRIBUTES if span.attributes.get(key)), "")


def zipkin_tags(span: Span) -> dict[str, str]:
    """Convert the attributes of the span and its resource to tags."""
    tags = {key: as_text(value) for key, value in {**span.resource, **with_otel_tags(span)}.items()}
    # in Zipkin any value of this tag means an error, so only spans with an error may have it
    error = tags.pop("error", "")
    if span.status is Status.ERROR or span.error:
        tags["error"] = span.status_message or error
    return tags


def zipkin_annotations(span: Span) -> list[Json]:
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
