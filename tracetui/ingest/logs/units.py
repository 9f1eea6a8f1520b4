"""Split a source into units for log forms: lines, JSON values over several lines, protobuf messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from tracetui.ingest.csv_tables import CsvTable, header_of, holds_types
from tracetui.ingest.data_without_spans import COLOUR
from tracetui.ingest.envelopes import find_envelope
from tracetui.ingest.envelopes.envelope import NO_FIELDS, Envelope, Head, InnerLine, numbered
from tracetui.ingest.envelopes.streams import MAX_STREAMS
from tracetui.ingest.formats.length_prefixed_otlp import RecordReader, looks_like_records
from tracetui.ingest.json_blocks import CONTINUES, Blocks, begins_json
from tracetui.ingest.json_repair.lenient_json import container_in
from tracetui.ingest.json_tables import columns_of, table_rows
from tracetui.ingest.logs.fields import names_trace
from tracetui.ingest.logs.node_objects import node_object
from tracetui.ingest.logs.otlp_protobuf import holds_logs
from tracetui.ingest.logs.record import LineGroup
from tracetui.ingest.logs.record_lists import records_within
from tracetui.ingest.logs.registry import LINE_GROUPS
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MALFORMED, RAW_ITEMS, encode_any, is_valid_json

_MAX_LINES: Final = 100_000
"""Largest number of lines of one unit."""
_CHUNK: Final = 1 << 20
_STRING: Final = msgspec.json.Decoder(str)
_ITEM_BEGINS: Final = (b"{", b"[", b'"')


class LogUnit(NamedTuple):
    """Unit for a log form, with the fields of its envelope."""

    number: int
    """Number of the line, entry or record where it begins, from 1."""
    text: bytes
    stream: str = ""
    when: str = ""
    fields: Mapping[str, Any] = NO_FIELDS
    is_lost: bool = False
    """True if the envelope lacks the text."""


def units(data: Buffer) -> Iterator[LogUnit]:
    """Yield the units of a source. Blank lines are skipped."""
    open_groups: dict[str, _OpenGroup] = {}
    for unit in _lines_and_values(data):
        group = open_groups.get(unit.stream)
        if group is not None:
            if not unit.is_lost and len(group.lines) < _MAX_LINES and group.form.continues(group.lines, unit.text):
                group.lines.append(unit.text)
                continue
            yield group.unit()
            del open_groups[unit.stream]
        form = next((form for form in LINE_GROUPS if form.begins(unit.text)), None)
        if form is None or len(open_groups) >= MAX_STREAMS:
            yield unit
        else:
            open_groups[unit.stream] = _OpenGroup(form, unit, [unit.text])
    for group in open_groups.values():
        yield group.unit()


@dataclass(slots=True)
class _OpenGroup:
    """Lines of text that are one unit."""

    form: LineGroup
    first: LogUnit
    lines: list[bytes]

    def unit(self) -> LogUnit:
        return self.first._replace(text=b"\n".join(self.lines))


def _lines_and_values(data: Buffer) -> Iterator[LogUnit]:
    if data[:1] == b"\n" and holds_logs(bytes(data)):
        yield LogUnit(1, bytes(data))
    elif data[:1] == b"\0" and looks_like_records(memoryview(data)):
        for number, (_, payload) in enumerate(RecordReader(memoryview(data)), start=1):
            yield from (unit._replace(number=number) for unit in _lines_and_values(payload))
    else:
        if data.find(b"\x1b[") >= 0:
            data = COLOUR.sub(b"", data[:])
        start = _skip_blank(data)
        names, end = columns_of(data, start)
        if names_trace(names):
            yield from _json_table_units(data, end, names)
            return
        envelope = find_envelope(data, start)
        columns, separator = ([], "") if envelope is not None else header_of(data, start)
        if names_trace(columns):
            yield from _table_units(data, start, columns, separator)
        elif envelope is None or names_trace(Head(data, start).keys):
            # an object with a trace id is a record, even if its keys look like an envelope
            yield from _plain_units(data, start)
        else:
            yield from _enveloped_units(envelope.unwrap(_chunks(data, start)))


def _json_table_units(data: Buffer, at: int, columns: Sequence[str]) -> Iterator[LogUnit]:
    """Yield the rows of a table in JSON as objects."""
    for number, row, _ in table_rows(data, at, columns):
        if row is None:
            yield LogUnit(number, b"", is_lost=True)
        elif row and not holds_types(row):
            yield LogUnit(number, encode_any(dict(zip(columns, row, strict=True))))


def _table_units(data: Buffer, start: int, columns: Sequence[str], separator: str) -> Iterator[LogUnit]:
    """Yield the rows of a table as JSON objects."""
    table = CsvTable(data, start, separator, len(columns))
    for i, row in enumerate(table):
        if i and len(row) == len(columns):
            if i == 1 and holds_types(row):
                continue
            fields = {name: _cell(cell) for name, cell in zip(columns, row, strict=True) if cell}
            yield LogUnit(table.number, msgspec.json.encode(fields))
        elif i and row:
            yield LogUnit(table.number, b"", is_lost=True)


def _cell(text: str) -> Any:
    """Return the object in a cell, or its text."""
    value = container_in(text) if text[:1] == "{" else None
    return value if isinstance(value, dict) else text


def _skip_blank(data: Buffer) -> int:
    at = 0
    while data[at : at + 1] and data[at : at + 1] in b" \t\r\n":
        at += 1
    return at


def _chunks(data: Buffer, start: int) -> Iterator[bytes]:
    for at in range(start, len(data), _CHUNK):
        yield data[at : at + _CHUNK]


def _plain_units(data: Buffer, start: int) -> Iterator[LogUnit]:
    blocks = Blocks()
    before = data[:start].count(b"\n")
    for number, line in numbered(_chunks(data, start)):
        if blocks.is_open or line[:1] in b"{[ \t":
            for block in blocks.add(number, line):
                yield from _split_values(LogUnit(block.number + before, block.text))
        else:
            yield LogUnit(number + before, line)
    for block in blocks.rest():
        yield from _split_values(LogUnit(block.number + before, block.text))


@dataclass(slots=True)
class _LogStream:
    pieces: list[bytes] = field(default_factory=list)
    first: InnerLine | None = None
    """Line that these are pieces of."""
    envelope: Envelope | None = None
    has_begun: bool = False
    blocks: Blocks = field(default_factory=Blocks)
    held: LogUnit | None = None
    """Envelope fields of the first line of the open block."""


def _enveloped_units(lines: Iterable[InnerLine]) -> Iterator[LogUnit]:
    """Reassemble the lines of an envelope by stream; a stream may itself be in another envelope."""
    streams: dict[str, _LogStream] = {}
    for line in lines:
        stream = streams.get(line.stream)
        if stream is None:
            stream = streams.setdefault(line.stream if len(streams) < MAX_STREAMS else "", _LogStream())
        if line.lost:
            yield LogUnit(line.number, b"", line.stream, is_lost=True)
        if stream.pieces or not line.ends:
            stream.first = stream.first or line
            stream.pieces.append(line.text)
            if line.ends:
                yield from _joined_line(stream)
            continue
        if line.text.strip():
            yield from _units_of_line(stream, line)
    for stream in streams.values():
        if stream.pieces:
            yield from _joined_line(stream)
        yield from _remaining_units(stream)


def _joined_line(stream: _LogStream) -> Iterator[LogUnit]:
    """Join the pieces of a line."""
    first, text = stream.first, b"".join(stream.pieces)
    stream.pieces.clear()
    stream.first = None
    if first is not None and text.strip():
        yield from _units_of_line(stream, first._replace(text=text))


def _units_of_line(stream: _LogStream, line: InnerLine) -> Iterator[LogUnit]:
    if b"\x1b[" in line.text:
        line = line._replace(text=COLOUR.sub(b"", line.text))
    if not stream.has_begun:
        stream.has_begun = True
        stream.envelope = find_envelope(line.text)
    if stream.envelope is None:
        yield from _units_in_stream(stream, LogUnit(line.number, line.text, line.stream, line.when, line.fields))
        return
    for inner in stream.envelope.unwrap((line.text,)):
        fields = {**line.fields, **inner.fields} if inner.fields else line.fields
        name = f"{line.stream}\0{inner.stream}"
        yield from _units_in_stream(stream, LogUnit(line.number, inner.text, name, inner.when or line.when, fields))


def _units_in_stream(stream: _LogStream, unit: LogUnit) -> Iterator[LogUnit]:
    text = unit.text
    if stream.blocks.is_open or (begins_json(text) and text.rstrip()[-1:] in CONTINUES):
        if not stream.blocks.is_open:
            stream.held = unit
        for block in stream.blocks.add(unit.number, text):
            source = stream.held if block.is_json and stream.held else unit
            yield from _split_values(source._replace(number=block.number, text=block.text))
    else:
        yield from _split_values(unit)


def _remaining_units(stream: _LogStream) -> Iterator[LogUnit]:
    for block in stream.blocks.rest():
        yield from _split_values((stream.held or LogUnit(0, b""))._replace(number=block.number, text=block.text))


def _split_values(unit: LogUnit) -> Iterator[LogUnit]:
    """Split a unit into the items of a list. Indented text other than JSON continues another record."""
    text = unit.text
    bare = text.strip() if text[:1] in b" \t[" else text
    if bare[:1] == b"[" and (b"\n" in bare or begins_json(bare)):
        items = _items(bare)
        if items is not None:
            for item in items:
                yield from _units_in_lists(unit._replace(text=item))
            return
    if b"\n" in text and bare[:1] in (b"{", b"[") and not is_valid_json(bare) and node_object(bare) is None:
        # the value has no end: yield its lines
        yield from (
            unit._replace(number=unit.number + i, text=line)
            for i, line in enumerate(text.split(b"\n"))
            if line.strip(b" \t\r{}[],")
        )
        return
    yield from _units_in_lists(unit._replace(text=bare) if bare[:1] == b"{" and bare is not text else unit)


def _units_in_lists(unit: LogUnit) -> Iterator[LogUnit]:
    """Yield the records in the lists of a unit, or the unit itself."""
    records = records_within(unit.text)
    if not records:
        yield unit
        return
    for fields, shared in records:
        when = str(shared.get("timestamp") or shared.get("time") or unit.when)
        yield unit._replace(text=encode_any(fields), when=when, fields={**unit.fields, **shared})


def _items(text: bytes) -> list[bytes] | None:
    """Split a JSON list of values or strings into units; None for other text."""
    try:
        items = [bytes(item) for item in RAW_ITEMS.decode(text)]
        if not all(item.startswith(_ITEM_BEGINS) for item in items):
            return None
        return [_STRING.decode(item).encode("utf-8", "replace") if item[:1] == b'"' else item for item in items]
    except MALFORMED:
        return None
