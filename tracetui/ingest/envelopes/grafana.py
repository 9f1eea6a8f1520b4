"""Logs downloaded from Grafana's Explore view or a panel, text or JSON, and data frames of its inspector and API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, zip_longest
from typing import Any, Final

import msgspec
from msgspec import Raw

from tracetui.ingest.envelopes.envelope import NO_FIELDS, Envelope, Head, InnerLine, Part, decode_entry, numbered
from tracetui.ingest.envelopes.json_envelope import ItemTable, split_json
from tracetui.ingest.envelopes.parts import cut_where, line_parts
from tracetui.ingest.envelopes.rows import SAMPLED, Entry, entries, is_newest_first, oldest_first, stream_of, text_bytes
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MALFORMED, MalformedError

_TEXT: Final = re.compile(rb"(?:\d{13}\t\d{4}-\d\d-\d\dT[^\t]+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\t")
_META: Final = re.compile(rb'[A-Z][\w ]+: (?:"|\{|\d)')


_LINE_FIELDS: Final = ("Line", "line", "body", "Message", "message")
_TIME_FIELDS: Final = ("tsNs", "Time", "timestamp")
_FRAME: Final = re.compile(rb'"name"\s*:\s*"(?:%b)"' % "|".join(_LINE_FIELDS).encode())


class _GrafanaRow(msgspec.Struct):
    line: str
    timestamp: Any = ""
    fields: dict[str, Any] = {}


class _GrafanaField(msgspec.Struct):
    name: str = ""
    values: list[Any] = []


class _Schema(msgspec.Struct):
    fields: list[_GrafanaField] = []


class _FrameData(msgspec.Struct):
    values: list[list[Any]] = []


class _Frame(msgspec.Struct):
    """Columns of a table: their names are in `schema`, or in `fields` with the values."""

    schema: _Schema | None = None
    data: _FrameData | None = None
    fields: list[_GrafanaField] = []

    def columns(self) -> dict[str, list[Any]]:
        if self.schema is None or self.data is None:
            return {field.name: field.values for field in self.fields}
        return {field.name: values for field, values in zip(self.schema.fields, self.data.values, strict=False)}


class _QueryResult(msgspec.Struct):
    frames: list[_Frame] = []


class _Frames(_Frame):
    """A frame, or an object that contains frames."""

    results: dict[str, _QueryResult] = {}
    series: list[_Frame] = []


class _ColumnData(msgspec.Struct):
    values: list[list[Raw]]


class _FrameColumns(msgspec.Struct):
    """A frame whose values are not decoded."""

    schema: Raw
    data: _ColumnData


class _ColumnResult(msgspec.Struct):
    frames: list[_FrameColumns]


class _ColumnResults(msgspec.Struct):
    results: dict[str, _ColumnResult]


_NULL: Final = Raw(b"null")
_FRAME_COLUMNS: Final = msgspec.json.Decoder(_ColumnResults)
_ROW: Final = msgspec.json.Decoder(_GrafanaRow)
_FRAMES: Final = msgspec.json.Decoder(_Frames)


class Grafana(Envelope):
    r"""`1774000000000\t2026-03-20T09:46:40.000Z\tTEXT`, `{"line":"TEXT","timestamp":"..."}`, or frames with `Line`."""

    name = "Grafana log download"
    unit = "entry"
    by_lines = False

    def detect(self, head: Head) -> bool:
        if head.is_json:
            in_frames = head.keys >= {"schema", "data"} or not head.keys.isdisjoint(("results", "series"))
            return head.keys >= {"line", "timestamp"} or (in_frames and _FRAME.search(head.data) is not None)
        first = next((line for line in head.lines if not _META.match(line)), b"")
        return _TEXT.match(first) is not None

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        return oldest_first(_entries(chunks))

    def split(self, text: Buffer, start: int) -> Sequence[Part]:
        if text[start : start + 1] in (b"{", b"["):
            return split_json(text, start, self.unwrap, _tables)
        cuts = cut_where(text, start, lambda at: _TEXT.match(text, at) is not None)
        sample = islice(_of_text((text[start : cuts[1]],)), SAMPLED)
        return line_parts(text, cuts, is_newest_first(entry.when for entry in sample))


def _tables(text: Buffer) -> Sequence[ItemTable]:
    held = _FRAME_COLUMNS.decode(text)
    return [
        # a column of many small cells may have lost its end
        ItemTable(list(zip_longest(*frame.data.values, fillvalue=_NULL)), partial(_frame, frame.schema))
        for result in held.results.values()
        for frame in result.frames
    ]


def _entries(chunks: Iterable[bytes]) -> Iterator[Entry]:
    rest = iter(chunks)
    first = b""
    for chunk in rest:
        first += chunk
        if first.strip():
            break

    def whole_text() -> Iterator[bytes]:
        yield first
        yield from rest

    if first.lstrip()[:1] in (b"{", b"["):
        return entries(whole_text(), _of_json, (b"line",))
    return _of_text(whole_text())


def _of_json(number: int, text: bytes) -> Iterator[Entry]:
    try:
        row = decode_entry(_ROW, text)
    except MALFORMED:
        yield from _of_frames(number, text)
        return
    line = InnerLine(number, row.line.encode("utf-8", "replace"), stream_of(row.fields), fields=row.fields)
    yield Entry(str(row.timestamp), [line])


def _of_frames(number: int, text: bytes) -> Iterator[Entry]:
    held = decode_entry(_FRAMES, text)
    frames = [held, *held.series, *(frame for result in held.results.values() for frame in result.frames)]
    found = [
        columns for columns in (frame.columns() for frame in frames) if not columns.keys().isdisjoint(_LINE_FIELDS)
    ]
    if not found:
        raise MalformedError("no frame with lines")
    for columns in found:
        lines = next(columns[name] for name in _LINE_FIELDS if name in columns)
        times = next((columns[name] for name in _TIME_FIELDS if name in columns), [])
        labels = columns.get("labels", [])
        for line, time, of_line in zip_longest(lines, times, labels):
            fields = of_line if isinstance(of_line, dict) else NO_FIELDS
            yield Entry(str(time or ""), [InnerLine(number, text_bytes(line), stream_of(fields), fields=fields)])
            number += 1


def _frame(schema: Raw, rows: Sequence[Sequence[Raw]]) -> bytes:
    frame = {"schema": schema, "data": {"values": list(zip(*rows, strict=True))}}
    return msgspec.json.encode({"results": {"": {"frames": [frame]}}})


def _of_text(chunks: Iterable[bytes]) -> Iterator[Entry]:
    when, lines = "", list[InnerLine]()
    for number, text in numbered(chunks):
        found = _TEXT.match(text)
        if found:
            if lines:
                yield Entry(when, lines)
            when, lines = found[0].partition(b"\t")[0].decode(), [InnerLine(number, text[found.end() :])]
        elif lines:
            lines.append(InnerLine(number, text))
        elif not _META.match(text):
            yield Entry("", [InnerLine(number, text)])
    if lines:
        yield Entry(when, lines)


ENVELOPE = Grafana()
