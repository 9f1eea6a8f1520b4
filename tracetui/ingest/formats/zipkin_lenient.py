"""Lenient reading of Zipkin JSON: other spellings of names, other types of values, items that are not spans.

Anything readable is accepted without a warning, since nothing is lost; anything else gives one.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field, plain
from tracetui.ingest.formats.item_lists import as_object, objects_of
from tracetui.ingest.formats.numbers import length_ns, moment_ns, whole_number
from tracetui.ingest.formats.otlp_values import attributes_of, id_of
from tracetui.ingest.formats.zipkin_span import ZipkinSpan, raw_of, text_or_json
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.json_repair.lenient_json import EMPTY, loads_or_none

_ENDPOINT: Final = frozenset(("servicename", "ipv4", "ipv6", "port"))


class Repairs:
    """Counts skipped and repaired items, so that a million equal faults give one warning."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, int]] = {}

    def note(self, index: int, message: str) -> None:
        first, count = self._found.get(message, (index, 0))
        self._found[message] = (first, count + 1)

    def warn(self, context: DecodeContext) -> None:
        for message, (first, count) in self._found.items():
            more = f" (and {count - 1:,} more like it)" if count > 1 else ""
            context.at(f"[{first}]").warn(message + more)


def has_ids(span: ZipkinSpan, index: int, repairs: Repairs) -> bool:
    """Test whether a span has the required ids; note missing ones."""
    if span.traceId and span.id:
        return True
    repairs.note(index, "skipped: a span needs a traceId and an id")
    return False


def span_fields(item: Raw | bytes, index: int, repairs: Repairs) -> dict[str, Any] | None:
    """Decode an item as an object; anything else is noted and gives None."""
    fields = loads_or_none(item)
    if isinstance(fields, dict):
        return fields
    repairs.note(index, "skipped: not a span object")
    return None


def time_field(fields: dict[str, Any], key: str, index: int, repairs: Repairs, *, length: bool = False) -> int | None:
    """Read a time or duration in microseconds; anything else is noted and gives None."""
    value = field(fields, key)
    time = (length_ns if length else moment_ns)(value, 1000)
    if time is None and value is not None:
        repairs.note(index, f"{key} is not a number; ignored")
    return None if time is None else time // 1000


def id_field(fields: dict[str, Any], *names: str) -> str:
    """Get an id by the first of these names that the object has."""
    value = field(fields, *names)
    return id_of(value, 32) if isinstance(value, (list, dict)) else read_id(text_or_json(value))


def read_id(text: str) -> str:
    """Read an id as written, or as hex if it is base64 (protobuf JSON)."""
    if text[-1:] != "=":
        return text
    found = id_of(text, 32)
    return id_of(text, 16) if found == text else found


def lenient_span(fields: dict[str, Any], index: int, repairs: Repairs) -> ZipkinSpan:
    """Read a span of version 2 from any JSON."""
    local = field(fields, "localEndpoint")
    if local is None and field(fields, "serviceName") is not None:
        local = {"serviceName": field(fields, "serviceName")}
    above = field(fields, "parentId", "parentSpanId")
    parent = id_field(fields, "parentId", "parentSpanId")
    if above and not parent:
        repairs.note(index, "parentId cannot be read; shown as a root")
    return ZipkinSpan(
        traceId=id_field(fields, "traceId"),
        id=id_field(fields, "id"),
        parentId=parent,
        kind=text_or_json(field(fields, "kind", "spanKind")),
        name=text_or_json(field(fields, "name")),
        timestamp=time_field(fields, "timestamp", index, repairs),
        duration=time_field(fields, "duration", index, repairs, length=True),
        shared=field(fields, "shared") in (True, "true", 1),
        localEndpoint=raw_of(local),
        remoteEndpoint=raw_of(field(fields, "remoteEndpoint")),
        annotations=raw_of(field(fields, "annotations")),
        tags=raw_of(field(fields, "tags")),
    )


def endpoint_of(raw: bytes) -> tuple[str, str, int]:
    """Read an endpoint. -> service, address and port; '' and 0 if missing"""
    value = loads_or_none(raw)
    if isinstance(value, str):
        # a bare service name
        return value, "", 0
    fields = as_object(value)
    address = text_or_json(field(fields, "ipv4")) or text_or_json(field(fields, "ipv6"))
    return text_or_json(field(fields, "serviceName", "service")), address, whole_number(field(fields, "port")) or 0


def has_other_names(raw: bytes) -> bool:
    """Test whether an endpoint has unknown fields."""
    value = loads_or_none(raw)
    return bool(value) and not (isinstance(value, dict) and {plain(key) for key in value} <= _ENDPOINT)


def usual_tags(raw: bytes) -> bytes | None:
    """Convert tags of any structure to an object; None if they cannot be read."""
    if raw[:1] == b"{" or EMPTY.fullmatch(raw):
        return raw
    value = loads_or_none(raw)
    if isinstance(value, str):
        value = lenient_json.container_in(value)
    if not isinstance(value, (dict, list)):
        return None
    try:
        return msgspec.json.encode(attributes_of(value))
    except (ValueError, RecursionError):
        return None


def usual_notes(raw: bytes) -> bytes | None:
    """Convert a list of annotations, b"" for an empty one; None if it cannot be read."""
    if raw[:2] == b"[{":
        return raw
    if EMPTY.fullmatch(raw):
        return b""
    value = loads_or_none(raw)
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return raw
    found = [item for item in objects_of(value) if field(item, "value") is not None]
    return bytes(raw_of(found)) if found else None
