"""What the bytes of a source hold for log forms to read: lines, JSON objects of several lines, protobuf messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from tracetui.ingest.buffers import Buffer
from tracetui.ingest.formats.otlp_records import Records, looks_like_records
from tracetui.ingest.logs.otlp_protobuf import holds_logs
from tracetui.model.decoding import MALFORMED

_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_VALUE: Final = msgspec.json.Decoder(msgspec.Raw)
_CLOSING: Final = {b"{": b"\n}", b"[": b"\n]"}
_TRIES: Final = 4
"""How many times the size of a source may be looked at in search of values of several lines."""
_SPARE: Final = 1 << 20


def units(data: Buffer) -> Iterator[tuple[int, bytes]]:
    """Yield each unit with the number of the line or record in which it begins, from 1. Blank lines are left out."""
    if data[:1] == b"\n" and holds_logs(bytes(data)):
        yield 1, bytes(data)
    elif data[:1] == b"\0" and looks_like_records(memoryview(data)):
        records = Records(memoryview(data))
        for number, (_, payload) in enumerate(records, start=1):
            yield from ((number, unit) for _, unit in units(payload))
    else:
        yield from _lines(data)


def _lines(data: Buffer) -> Iterator[tuple[int, bytes]]:
    values = _Values(data)
    at, size, number = 0, len(data), 1
    while at < size:
        stop = data.find(b"\n", at)
        stop = size if stop < 0 else stop
        line = data[at:stop].rstrip()
        if line[:1] in _CLOSING and (line[:1] == b"[" or _goes_on(line)):
            end, items = values.items_at(at, line)
            if end:
                yield from ((number, item) for item in items)
                number += data[at:end].count(b"\n")
                at = end
                if data[at : at + 1] == b",":
                    at += 1
                continue
        if line:
            # what is indented is part of another record, but for JSON
            bare = line.lstrip() if line[:1] in b" \t" else line
            yield number, bare if bare[:1] == b"{" else line
        at = stop + 1
        number += 1


def _goes_on(line: bytes) -> bool:
    """Tell whether a line that begins an object cannot hold all of it."""
    return line[-1:] in b"{[:" or (line[-1:] == b"," and line.count(b"{") > line.count(b"}"))


class _Values:
    """Finds JSON values of several lines, as pretty printers write them: closed at the beginning of a line."""

    def __init__(self, data: Buffer) -> None:
        self._data = data
        self._left = _TRIES * len(data) + _SPARE
        self._closing: dict[bytes, int] = {}

    def items_at(self, at: int, line: bytes) -> tuple[int, list[bytes]]:
        """The object, or the items of the list, that begins at a place with this line. -> where it ends, 0 for none"""
        is_list = line[:1] == b"["
        items = _items(line) if is_list else None
        if items is not None:
            return at + len(line), items
        if is_list and not (len(line) == 1 or _goes_on(line) or line[-1:] == b","):
            # a line of text in brackets
            return 0, []
        end = self._end(at, _CLOSING[line[:1]])
        if not end or end - at > self._left:
            return 0, []
        self._left -= end - at
        text = bytes(self._data[at:end])
        if is_list:
            items = _items(text)
            return (end, items) if items is not None else (0, [])
        try:
            _VALUE.decode(text)
        except MALFORMED:
            return 0, []
        return end, [text]

    def _end(self, at: int, closing: bytes) -> int:
        """Where the next line that closes a value ends, 0 for nowhere."""
        found = self._closing.get(closing, 0)
        if 0 <= found <= at:
            found = self._closing[closing] = self._data.find(closing, at)
        return found + len(closing) if found >= 0 else 0


def _items(text: bytes) -> list[bytes] | None:
    """The items of a list as units, of texts in it the texts; None if it is no list."""
    try:
        return [_unit(bytes(item)) for item in _ITEMS.decode(text)]
    except MALFORMED:
        return None


def _unit(item: bytes) -> bytes:
    if item[:1] != b'"':
        return item
    try:
        return msgspec.json.decode(item, type=str).encode("utf-8", "replace")
    except MALFORMED:
        return item
