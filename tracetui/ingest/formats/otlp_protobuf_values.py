"""Values in OTLP protobuf: attributes, events, links and status."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from tracetui.ingest.formats.otlp_span_rules import link_with_kind
from tracetui.ingest.formats.protobuf_wire import fields
from tracetui.ingest.formats.value_nesting import SKIPPED, VALUE_NESTING
from tracetui.model.span import Event, Link, Value

_NOWHERE = (0, 0)
_unsigned = struct.Struct("<Q").unpack_from
_double = struct.Struct("<d").unpack_from


def text_in(data: bytes, start: int, stop: int) -> str:
    """Decode the text between two positions; invalid UTF-8 becomes U+FFFD."""
    return str(data[start:stop], "utf-8", "replace")


def _attributes(data: bytes, at: int, end: int, wanted: int, depth: int = 0) -> dict[str, Value]:
    """Read the key-value pairs in the fields of one number of a message; damaged ones are skipped."""
    found: dict[str, Value] = {}
    with suppress(ValueError):
        for tag, start, stop in fields(data, at, end):
            if tag == wanted:
                with suppress(ValueError):
                    key, value = _pair(data, start, stop, depth)
                    found[key] = value
    return found


def _pair(data: bytes, at: int, end: int, depth: int) -> tuple[str, Value]:
    key, value = "", None
    for tag, start, stop in fields(data, at, end):
        if tag == 0x0A:
            key = text_in(data, start, stop)
        elif tag == 0x12:
            value = _value(data, start, stop, depth)
    return key, value


def _value(data: bytes, at: int, end: int, depth: int) -> Value:
    value: Value = None
    for tag, start, stop in fields(data, at, end):
        match tag:
            case 0x0A:
                value = text_in(data, start, stop)
            case 0x10:
                value = bool(start)
            case 0x18:
                value = start - (start >> 63 << 64)
            case 0x21:
                value = _double(data, start)[0]
            case 0x2A if depth < VALUE_NESTING:
                value = [_value(data, a, b, depth + 1) for tag, a, b in fields(data, start, stop) if tag == 0x0A]
            case 0x32 if depth < VALUE_NESTING:
                value = _attributes(data, start, stop, 0x0A, depth + 1)
            case 0x2A | 0x32:
                value = SKIPPED
            case 0x3A:
                value = data[start:stop]
    return value


def any_value(data: bytes) -> Value:
    """Read an AnyValue; None if it is damaged."""
    try:
        return _value(data, 0, len(data), 0)
    except ValueError:
        return None


class OtlpProtobufCodec:
    """Codec for OTLP attributes, events and links in their concatenated repeated fields."""

    is_text = False

    def attributes(self, raw: bytes) -> dict[str, Value]:
        return _attributes(raw, 0, len(raw), raw[0]) if raw else {}

    def events(self, raw: bytes) -> list[Event]:
        events = []
        for found, attributes in _messages(raw, 0x1A):
            time, _ = found.get(0x09, _NOWHERE)
            name = text_in(raw, *found.get(0x12, _NOWHERE))
            events.append(Event(_unsigned(raw, time)[0] if time else 0, name, attributes))
        return events

    def links(self, raw: bytes) -> list[Link]:
        links = []
        for found, attributes in _messages(raw, 0x22):
            trace, span = (raw[slice(*found.get(tag, _NOWHERE))].hex() for tag in (0x0A, 0x12))
            links.append(link_with_kind(trace, span, attributes))
        return links


def _messages(raw: bytes, attributes: int) -> Iterator[tuple[dict[int, tuple[int, int]], dict[str, Value]]]:
    """Yield the positions of the fields of each message by tag, and its attributes. Ends at damaged bytes."""
    with suppress(ValueError):
        for _, start, stop in fields(raw, 0, len(raw)):
            found = {tag: (a, b) for tag, a, b in fields(raw, start, stop)}
            yield found, _attributes(raw, start, stop, attributes)


CODEC = OtlpProtobufCodec()


@lru_cache(maxsize=1024)
def status_of(raw: bytes) -> tuple[int, str]:
    """Read the code and the message of a status."""
    code, message = 0, ""
    with suppress(ValueError):
        for tag, start, stop in fields(raw, 0, len(raw)):
            if tag == 0x18:
                code = start
            elif tag == 0x12:
                message = text_in(raw, start, stop)
    return code, message
