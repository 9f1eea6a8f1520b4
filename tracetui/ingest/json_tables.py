"""Tables in JSON: rows as lists of cells, with the names of the columns before them.

A document holds both (`{"meta": [...], "data": [[...]]}` of ClickHouse's `FORMAT JSONCompact`, `{"columns": [...],
"data": [[...]]}` of pandas), or the first line is the list of names (`FORMAT JSONCompactEachRowWithNames`). The formats
are documented at clickhouse.com, "Formats for input and output data".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from tracetui.ingest.csv_tables import TableRows, format_with, holds_types
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.deferred_spans import and_similar
from tracetui.ingest.formats.plain_span import SpanSink
from tracetui.ingest.json_value_limit import first_values
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MALFORMED, RAW_ITEMS, RAW_MEMBERS

TABLE_KEYS: Final = (
    ("meta", "data"),
    ("columns", "data"),
    ("columns", "values"),
    ("columns", "rows"),
    ("schema", "datarows"),
)
"""Members with the names and the rows: ClickHouse, pandas and Trino, Elasticsearch (two languages), OpenSearch."""
_LONGEST_HEADER: Final = 1 << 16
_NAMES: Final = msgspec.json.Decoder(list[str])
_VALUE: Final = msgspec.json.Decoder()


class _TableColumn(msgspec.Struct):
    name: str


class _Meta(msgspec.Struct, forbid_unknown_fields=True):
    meta: list[_TableColumn]


_META: Final = msgspec.json.Decoder(_Meta)


def rows_of_table(members: Mapping[str, Raw]) -> list[Raw] | None:
    """Build objects from the rows of a document with the names of their columns; None for other documents.

    Rows that are not lists of cells stay as they are.
    """
    keys = next((keys for keys in TABLE_KEYS if members.keys() >= set(keys)), None)
    if keys is None:
        return None
    try:
        columns, rows = (RAW_ITEMS.decode(members[key]) for key in keys)
        names = [column if _first(column) == b'"' else RAW_MEMBERS.decode(column)["name"] for column in columns]
    except (*MALFORMED, KeyError):
        return None
    are_lists = [_first(row) == b"[" for row in rows]
    if not any(are_lists) or any(_first(name) != b'"' for name in names):
        return None
    return [
        Raw(b"{%b}" % b",".join(b"%b:%b" % pair for pair in zip(names, RAW_ITEMS.decode(row), strict=False)))
        if is_list
        else row
        for row, is_list in zip(rows, are_lists, strict=True)
    ]


def _first(value: Raw) -> bytes:
    return bytes(memoryview(value)[:1])


def decode_json_table(
    data: Buffer, start: int, context: DecodeContext, sink: SpanSink, progress: Callable[[float], None]
) -> bool:
    """Decode a table of a known format with one row per line. -> False if it is not one"""
    columns, end = columns_of(data, start)
    format_ = format_with(columns)
    if format_ is None:
        return False
    rows = TableRows(format_, columns, context, sink)
    lost = first_lost = 0
    before = data[:start].count(b"\n")
    done = 0.0
    for number, row, share in table_rows(data, end, columns):
        if row is None:
            lost, first_lost = lost + 1, first_lost or number + before
        elif row and not (number == 2 and holds_types(row)):
            rows.add(row, round((share - done) * len(data)))
            done = share
            if not rows.waiting:
                progress(share)
    rows.finish()
    if lost:
        what = f"skipped: the line is not a list of {len(columns)} cells like the first line"
        context.line(first_lost).warn(f"{what}{and_similar(lost)}")
    return True


def columns_of(data: Buffer, start: int) -> tuple[list[str], int]:
    """Read the first line of a text. -> the names of columns, none if it is another line; the end of the line"""
    if data[start : start + 1] not in (b"[", b"{"):
        return [], start
    end = data.find(b"\n", start, start + _LONGEST_HEADER)
    return (_columns(data[start:end]), end + 1) if end >= 0 else ([], start)


def table_rows(data: Buffer, at: int, columns: Sequence[str]) -> Iterator[tuple[int, list[Any] | None, float]]:
    """Yield the rows from a position on: number of the line, cells, share of the text that has been read.

    A line about the query has no cells, a damaged one None.
    """
    return ((number, _row(line, columns), share) for number, line, share in lines_from(data, at))


def _columns(line: bytes) -> list[str]:
    """Read the names of the columns in the first line; [] if it is not such a line."""
    try:
        if line[:1] == b"{":
            return [column.name for column in _META.decode(line).meta]
        return _NAMES.decode(line)
    except MALFORMED:
        return []


def lines_from(data: Buffer, at: int) -> Iterator[tuple[int, bytes, float]]:
    """Yield the non-blank lines after the first one: number, text, share of the text that has been read."""
    number = 1
    while at < len(data):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        number += 1
        line = data[at:end].strip()
        at = end + 1
        if line:
            yield number, line, min(at / len(data), 1.0)


def _row(line: bytes, columns: Sequence[str]) -> list[Any] | None:
    """Read the cells of a line; [] for a line about the query, None for any other."""
    try:
        value = _VALUE.decode(first_values(line))
    except MALFORMED:
        return None
    if isinstance(value, dict):
        if "row" not in value:
            # progress, totals and statistics
            return [] if len(value) == 1 else None
        value = value["row"]
    if isinstance(value, dict):
        return [value.get(name) for name in columns]
    return value if isinstance(value, list) and len(value) == len(columns) else None
