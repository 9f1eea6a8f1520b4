"""Export to Zipkin v1 JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tracetui.export.common import Json, json_bytes, with_ids
from tracetui.export.exporter import Exporter, Losses
from tracetui.export.zipkin import (
    LOSSES,
    ZIPKIN_KINDS,
    encode_array,
    peer_of,
    zipkin_annotations,
    zipkin_identity,
    zipkin_tags,
    zipkin_times,
)
from tracetui.model.span import Flag, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracetui.model.traces import TraceSet

_EARLIEST_NS: Final = 1_000
"""Earliest time that is not 0 in the format's microseconds."""

V1_CORE = {
    "CLIENT": ("cs", "cr", "sa"),
    "SERVER": ("sr", "ss", "ca"),
    "PRODUCER": ("ms", "ws", "ma"),
    "CONSUMER": ("wr", "mr", "ma"),
}
"""Annotations for the start and end of each span kind, and for the address of the peer."""


def zipkin_v1(spans: Iterable[Span]) -> bytes:
    """Encode spans as a flat list of Zipkin v1 spans, whose kinds are pairs of annotations. Lost: as `zipkin_v2`."""
    return json_bytes([_zipkin_v1_span(span) for span in with_ids(spans)])


def _encode(traces: TraceSet, losses: Losses) -> Iterator[bytes]:
    yield from encode_array(traces, losses, _zipkin_v1_span)


EXPORTER: Final = Exporter(
    name="zipkin-v1",
    description="Zipkin v1 JSON",
    suffixes=(".zipkin-v1.json", ".zipkin-v1"),
    encode=_encode,
    losses=LOSSES,
)


def _zipkin_v1_span(span: Span) -> Json:
    if span.start_ns < _EARLIEST_NS:
        # a duration is that between two annotations, which must not be 0
        span = replace(span, start_ns=_EARLIEST_NS)
    # for the server half of a shared span write annotations only: the times of the span are the client's
    written = zipkin_identity(span) | ({} if Flag.SHARED in span.flags else zipkin_times(span))
    endpoint = {"serviceName": span.service}
    annotations: list[Json] = [note | {"endpoint": endpoint} for note in zipkin_annotations(span)]
    tags: list[Json] = [{"key": key, "value": tag, "endpoint": endpoint} for key, tag in zipkin_tags(span).items()]
    if span.kind in ZIPKIN_KINDS:
        begin, end, other = V1_CORE[span.kind.name]
        annotations.insert(0, {"timestamp": span.start_ns // 1000, "value": begin, "endpoint": endpoint})
        if Flag.NO_DURATION not in span.flags:
            annotations.append({"timestamp": span.end_ns // 1000, "value": end, "endpoint": endpoint})
        if peer := peer_of(span):
            tags.append({"key": other, "value": True, "endpoint": {"serviceName": peer}})
    else:
        # in v1 only annotations name the service; an empty `lc` means nothing else
        tags.append({"key": "lc", "value": "", "endpoint": endpoint})
    return written | {"annotations": annotations, "binaryAnnotations": tags}
