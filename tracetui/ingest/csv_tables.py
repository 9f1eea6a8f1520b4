"""CSV tables: recognised by the columns of their header, read a few thousand rows at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.format import TableFormat
from tracetui.ingest.formats.plain_span import SpanSink
from tracetui.ingest.formats.registry import TABLE_FORMATS
from tracetui.ingest.record_errors import skip_record
from tracetui.ingest.source_bytes import Buffer

_LONGEST_HEADER: Final = 1 << 16
_BATCH_ROWS: Final = 4096
_BATCH_CELLS: Final = 1 << 17
"""Cells decoded in one call, at most; each takes dozens of bytes however short it is."""
_MAX_SEPARATORS: Final = 1_000_000
"""Largest number of separators in a row with quotes, including those within cells."""
_BATCH_BYTES: Final = 1 << 20
"""Bytes of JSON decoded in one call, at most, except for the last row; values take many times their size."""
_LARGEST_FIELD: Final = 1 << 26
_MAX_LINES: Final = 100
"""Largest number of lines of a quoted cell."""
_SEPARATORS: Final = ",;\t"
_NAME: Final = re.compile(r"[\w .:/@-]*")
_TYPE: Final = re.compile(
    r"(?:(?:Nullable|LowCardinality|Array|Map|Tuple|Nested|Enum8|Enum16|FixedString|Decimal\d*|DateTime(?:64)?)\(.+\)"
    r"|U?Int\d+|B?Float\d+|String|Bool|UUID|Date(?:32|Time(?:64)?)?|JSON(?:\(.+\))?|Dynamic|Variant\(.+\)|IPv[46])"
)
"""Name of a ClickHouse type."""
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


def header_of(data: Buffer, start: int) -> tuple[list[str], str]:
    """Read a header line. -> its columns, none if it is not a header; the separator"""
    end = data.find(b"\n", start, start + _LONGEST_HEADER)
    line = data[start : end if end >= 0 else start + _LONGEST_HEADER]
    try:
        text = line.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError:
        return [], ""
    separator = max(_SEPARATORS, key=text.count)
    try:
        columns = [column.strip() for column in next(csv.reader([text], delimiter=separator), [])]
    except csv.Error:
        return [], ""
    return (columns, separator) if len(columns) > 1 and all(map(_NAME.fullmatch, columns)) else ([], "")


def format_with(columns: Sequence[str]) -> TableFormat | None:
    """Find the format of a table with these columns; None for an unknown one."""
    return next((table_format for table_format in TABLE_FORMATS if table_format.recognises(columns)), None)


def decode_table(
    data: Buffer, start: int, context: DecodeContext, sink: SpanSink, progress: Callable[[float], None]
) -> bool:
    """Decode a table of a known format. -> False if it is not one"""
    columns, separator = header_of(data, start)
    table_format = format_with(columns)
    if table_format is None:
        return False
    limit = csv.field_size_limit(_LARGEST_FIELD)
    try:
        rows = TableRows(table_format, columns, context, sink)
        _decode_all(rows, columns, CsvTable(data, start, separator, len(columns)), context, progress)
    finally:
        csv.field_size_limit(limit)
    return True


@dataclass(slots=True)
class CsvTable:
    """Iterator over the rows of a text. An unclosed quote costs one line, not the rest of the table."""

    data: Buffer
    at: int
    separator: str
    columns: int
    number: int = 0
    """Number of the last line of the current row, from 1."""

    def __iter__(self) -> Iterator[list[str]]:
        while self.at < len(self.data):
            line = self._line()
            if '"' not in line or self._is_escaped(line):
                yield self._split(line) if line else []
                continue
            at, number = self.at, self.number
            row = self._joined(line)
            if len(row) != self.columns:
                # an unclosed quote
                self.at, self.number = at, number
                row = self._cells(line)
            yield row

    def _is_escaped(self, line: str) -> bool:
        """Test whether a line is a whole row with backslashes instead of quotes."""
        return self.separator == "\t" and "\\" in line and line.count("\t") == self.columns - 1 and '\t"' not in line

    def _split(self, line: str) -> list[str]:
        """Split a row without quotes. Databases escape the texts in tab-separated rows, but not again within lists."""
        # at most one more than a whole row has
        cells = line.split(self.separator, self.columns)
        if self.separator == "\t" and "\\" in line:
            return [cell if cell[:1] in ("[", "{") else _unescaped(cell) for cell in cells]
        return cells

    def _joined(self, text: str) -> list[str]:
        """Read the cells of a row, with further lines until its quotes are closed."""
        for _ in range(_MAX_LINES):
            if not text.count('"') % 2 or self.at >= len(self.data):
                break
            text += "\n" + self._line()
        return self._cells(text) if not text.count('"') % 2 else []

    def _cells(self, text: str) -> list[str]:
        if text.count(self.separator) > _MAX_SEPARATORS:
            return [""]
        try:
            return next(csv.reader(text.splitlines(keepends=True), delimiter=self.separator), [])
        except csv.Error:
            return [""]

    def _line(self) -> str:
        end = self.data.find(b"\n", self.at)
        end = len(self.data) if end < 0 else end
        line, self.at = self.data[self.at : end], end + 1
        self.number += 1
        return line.decode("utf-8", "replace").rstrip("\r").replace("\0", "\ufffd")

    @property
    def share(self) -> float:
        return min(self.at / len(self.data), 1.0)


def _unescaped(cell: str) -> str:
    r"""Resolve the escapes of a cell; `\N` is a missing value."""
    if cell == "\\N":
        return ""
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), cell)


class TableRows:
    """Decodes the rows of a table in batches."""

    def __init__(
        self, table_format: TableFormat, columns: Sequence[str], context: DecodeContext, sink: SpanSink
    ) -> None:
        self.waiting: list[Sequence[Any]] = []
        self._format, self._columns, self._context, self._sink = table_format, columns, context, sink
        self._size = 0
        self._batch_rows = min(_BATCH_ROWS, max(_BATCH_CELLS // len(columns), 1))

    def add(self, row: Sequence[Any], size: int = 0) -> None:
        """Add a row, as long as the header. After a batch is decoded, no rows are waiting.

        size: bytes of JSON that were decoded into the row.
        """
        self.waiting.append(row)
        self._size += size
        if len(self.waiting) >= self._batch_rows or self._size > _BATCH_BYTES:
            self.finish()

    def finish(self) -> None:
        """Decode the waiting rows."""
        rows, self.waiting, self._size = self.waiting, [], 0
        self._decode(rows)

    def _decode(self, rows: Sequence[Sequence[Any]]) -> None:
        """Decode rows in one call; if that fails, one at a time, so that only faulty ones are lost."""
        if not rows:
            return
        context = self._context
        before = len(context.intake)
        try:
            self._format.decode(self._columns, rows, context, self._sink)
        except Exception as error:
            context.intake.discard_incomplete()
            if len(rows) == 1 or len(context.intake) > before:
                skip_record(context, error)
                return
            for row in rows:
                self._decode([row])


def holds_types(row: Sequence[Any]) -> bool:
    """Test whether a row names the types of the columns, as in ClickHouse's formats `...WithNamesAndTypes`."""
    return all(isinstance(cell, str) and _TYPE.fullmatch(cell) for cell in row)


def _decode_all(
    rows: TableRows, columns: list[str], table: CsvTable, context: DecodeContext, progress: Callable[[float], None]
) -> None:
    lost = first_lost = 0
    reader = iter(table)
    next(reader)
    for i, row in enumerate(reader):
        if len(row) == len(columns):
            if i or not holds_types(row):
                rows.add(row)
        elif row:
            lost, first_lost = lost + 1, first_lost or table.number
        if not rows.waiting:
            progress(table.share)
    rows.finish()
    if lost:
        more = f" (and {lost - 1:,} more like it)" if lost > 1 else ""
        context.line(first_lost).warn(f"skipped: the row does not have {len(columns)} cells like the header{more}")
