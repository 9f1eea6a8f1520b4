"""Envelopes of JSON objects: one per line, in a list, or in a document with other members."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import msgspec

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine, Part, decode_entry
from tracetui.ingest.envelopes.parts import PART_BYTES, cut_where, line_parts
from tracetui.ingest.envelopes.rows import OBJECT, SAMPLED, Entry, entries, is_newest_first, oldest_first, record_of
from tracetui.ingest.json_lines import json_line
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MALFORMED, RAW_ITEMS


class ItemTable(NamedTuple):
    """Items of a document, in order."""

    items: Sequence[Any]
    wrap: Callable[[Sequence[Any]], bytes] = msgspec.json.encode
    """Writes a document with some of the items."""


Unwrap = Callable[[Iterable[bytes]], Iterator[InnerLine]]
Tables = Callable[[Buffer], Sequence[ItemTable]]


def no_tables(text: Buffer) -> Sequence[ItemTable]:  # noqa: ARG001
    """Find no items in an object."""
    return ()


@dataclass(frozen=True)
class JsonEnvelope(Envelope):
    """Envelope of JSON objects, one per line, in a list, or in a document with other members."""

    name: str
    recognise: Callable[[Head], bool]
    entries: Callable[[Iterable[bytes]], Iterator[Entry]]
    tables: Tables = no_tables
    """Finds the items of an object without decoding them. Raises one of MALFORMED if it has none."""
    prefixes: tuple[bytes, ...] = ()
    """Prefixes of a line before its object."""
    unit = "entry"
    by_lines = False

    def detect(self, head: Head) -> bool:
        return self.recognise(head)

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        return oldest_first(self.entries(chunks))

    def split(self, text: Buffer, start: int) -> Sequence[Part]:
        return split_json(text, start, self.unwrap, self.tables, self.prefixes)


def read_objects(
    read: Callable[[int, bytes], Iterable[Entry]], *keys: bytes
) -> Callable[[Iterable[bytes]], Iterator[Entry]]:
    """Build a reader of the entries in JSON objects, as `rows.entries` defines it."""
    return partial(entries, read=read, keys=keys)


def read_records(text: str, time: str, names: Sequence[str]) -> Callable[[Iterable[bytes]], Iterator[Entry]]:
    """Build a reader of objects that are log records, as `rows.record_of` defines them."""
    return read_objects(
        lambda number, item: [record_of(number, decode_entry(OBJECT, item), text, time, names)], text.encode()
    )


def split_json(
    text: Buffer, start: int, unwrap: Unwrap, tables: Tables = no_tables, prefixes: Sequence[bytes] = ()
) -> Sequence[Part]:
    """Divide a text with one object per line, a list or an object with lists."""
    prefix = next((prefix for prefix in prefixes if text[start : start + len(prefix)] == prefix), b"")
    if json_line(text, start + len(prefix), first=True) is not None:
        begin = prefix or text[start : start + 1]
        cuts = cut_where(text, start, lambda at: text[at : at + len(begin)] == begin)
        return line_parts(text, cuts, _are_newest_first(unwrap, text[start : cuts[1]].split(b"\n", SAMPLED)))
    try:
        found = (ItemTable(RAW_ITEMS.decode(text)),) if text[start : start + 1] == b"[" else tables(text)
    except MALFORMED:
        return ()
    count = sum(len(table.items) for table in found)
    part_items = max(PART_BYTES * count // len(text), 1)
    parts: list[Part] = []
    number = 1
    for table in found:
        parts += _parts_of_items(table, number, part_items, unwrap)
        number += len(table.items)
    return parts


def _parts_of_items(table: ItemTable, number: int, part_items: int, unwrap: Unwrap) -> list[Part]:
    """Divide a table into parts of at most this many items."""
    items, wrap = table
    sample = [*items[:SAMPLED], *items[-1:]]
    parts = [
        Part(number + begin, partial(wrap, items[begin : begin + part_items]))
        for begin in range(0, len(items), part_items)
    ]
    return parts[::-1] if _are_newest_first(unwrap, (wrap([item]) for item in sample)) else parts


def _are_newest_first(unwrap: Unwrap, texts: Iterable[bytes]) -> bool:
    return is_newest_first(next((line.when for line in unwrap((text,))), "") for text in texts)
