"""Jaeger protobuf messages in protobuf JSON: batches of spans.

A batch is `{"process", "spans"}`, as collectors receive it and dumps contain it. Ids are base64, a start is RFC 3339,
a duration is in seconds with a unit, values are `vStr` or `v_str`, and defaults are omitted. The schema is
jaegertracing/jaeger-idl's `model.proto`. Single spans have the same form as Jaeger documents and are read as such,
also in the lists (`spans`) that the gRPC API returns.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field, plain
from tracetui.ingest.formats.format import DeferredParts, JsonFormat, Piece, key_sets
from tracetui.ingest.formats.item_lists import objects_of
from tracetui.ingest.json_repair import lenient_json
from tracetui.model.json_decoding import MalformedError

_OF_SPANS: Final = frozenset(("operationname", "spanid"))


def _decode(piece: Piece, context: DecodeContext, collected: DeferredParts) -> None:
    value = lenient_json.loads(piece)
    spans = field(value, "spans") if isinstance(value, dict) else None
    if not isinstance(spans, list):
        raise MalformedError("not a Jaeger batch: it has no list of spans")
    process, listed = field(value, "process"), field(value, "processMap")
    processes = {field(one, "processId"): field(one, "process") for one in objects_of(listed)}
    lost = 0
    for i, span in enumerate(spans):
        if not isinstance(span, dict) or not _OF_SPANS & {plain(key) for key in span}:
            lost += 1
            continue
        given = process if process is not None else processes.get(field(span, "processId"))
        own = span if given is None or field(span, "process") is not None else {**span, "process": given}
        collected.documents.append((_raw(own), context.at(f"spans[{i}]")))
    if lost:
        context.warn(f"{lost:,} of {len(spans):,} spans skipped: not an object with a spanId")


def _raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


FORMAT: Final = JsonFormat(
    name="Jaeger's protobuf as JSON",
    decode=_decode,
    keys=key_sets("process spans", "processMap spans"),
    spellings=key_sets("process spans", "processMap spans"),
)
