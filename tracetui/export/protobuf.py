"""Export to OTLP protobuf, and to records of the collector's file exporter."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tracetui.export.common import Json, batches, count_flags, count_warnings, spans_in_input_order, unique_keys
from tracetui.export.exporter import Exporter, Losses
from tracetui.export.otlp import otlp_json, traces_data
from tracetui.model.span import Flag, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracetui.model.traces import TraceSet

_SPANS_PER_MESSAGE = 1000

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
"""Messages of OTLP: for each field, in wire order, its name in JSON, its number and type."""


def otlp_protobuf(spans: Iterable[Span]) -> bytes:
    """Encode spans as `TracesData`, which equals an `ExportTraceServiceRequest` on the wire.

    Lost: as `otlp_json`, and lone surrogates, which become `?`.
    """
    return _message("TracesData", traces_data(unique_keys(spans)))


def _encode(traces: TraceSet, losses: Losses) -> Iterator[bytes]:
    """Encode a set like `otlp_protobuf`, in several messages: concatenated, they are one protobuf message."""
    count_warnings(traces, losses)
    # no start or no end means that it is missing, but a duration needs both
    count_flags(traces, losses, Flag.NO_DURATION | Flag.START_REPAIRED)
    shown = (traces.flags & int(Flag.START_REPAIRED | Flag.NO_DURATION)) == int(Flag.START_REPAIRED)
    losses["missing start{} (written as shown)"] += int(np.count_nonzero(shown))
    for trace in range(traces.trace_count):
        for batch in batches(unique_keys(spans_in_input_order(traces, trace)), _SPANS_PER_MESSAGE):
            yield _message("TracesData", traces_data(batch))


EXPORTER: Final = Exporter(
    name="otlp-protobuf",
    description="OTLP protobuf, one TracesData message",
    suffixes=(".pb", ".binpb", ".protobuf"),
    encode=_encode,
    losses="warnings, FOLLOWS_FROM",
    is_binary=True,
)


def otlp_records(spans: Iterable[Span], spans_per_record: int = 1000, *, protobuf: bool = True) -> bytes:
    """Encode spans as records of the collector's file exporter: a length (4 bytes, big-endian) and one `TracesData`.

    The payloads are uncompressed protobuf, or JSON. Lost: as `otlp_protobuf` or `otlp_json`.
    """
    encode = otlp_protobuf if protobuf else otlp_json
    payloads = (encode(batch) for batch in batches(unique_keys(spans), spans_per_record))
    return b"".join(struct.pack(">I", len(payload)) + payload for payload in payloads)


def _message(name: str, content: Json) -> bytes:
    """Encode a message of `MESSAGES` from its JSON form."""
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
