"""Descriptions of content that is in no supported format, for the warning about it."""

from __future__ import annotations

import re
from typing import Final

from tracetui.ingest.archives import unread_archive
from tracetui.ingest.csv_tables import header_of
from tracetui.ingest.diagnostics import shown_start
from tracetui.ingest.formats.nearest_format import nearest_table, nearest_text
from tracetui.ingest.source_bytes import Buffer

_SHOWN_BYTES: Final = 1 << 16
_NOTHING_KNOWN: Final = (
    "unknown format: not JSON, OTLP protobuf, collector records, a log with spans, or a zip or tar archive"
)
_TABLE_FILES: Final = (
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"ORC\x11", "an ORC file"),
)
_ROWS: Final = "rows of spans without column names, or in the notation of SQL; export JSON, or CSV with a header"
_TRACE_CELL: Final = re.compile(rb"(?<![^\"',;|\t= ])[0-9a-f]{32}(?![^\"',;|\t ])")
_SPAN_CELL: Final = re.compile(rb"(?<![^\"',;|\t= ])[0-9a-f]{16}(?![^\"',;|\t ])")
_TIME_CELL: Final = re.compile(rb"(?<![^\"',;|\t=(\[ ])\d{4}-\d\d-\d\d[ T]\d\d:\d\d")
_ROW_BEGINS: Final = re.compile(rb"(?:\[ ?(?=[\"']))?[\"'(]*[0-9a-f]{4}|INSERT |\| |\w+=[0-9a-f]{4}")


def describe_unknown(data: Buffer, start: int) -> str:
    """Describe bytes of no known format."""
    archive = unread_archive(data)
    if archive:
        return f"{archive}, which is not supported; unpack it first"
    table = table_file(data)
    if table:
        return f"{table}, which is not supported; export its rows as CSV or JSON"
    if data[start : start + 7] in (b"# HELP ", b"# TYPE "):
        return "metrics in Prometheus's text format, which hold no spans"
    nearest = nearest_table(header_of(data, start)[0])
    if nearest is not None:
        return nearest.table_warning
    near = nearest_text(bytes(data[start : start + _SHOWN_BYTES]))
    if near is not None:
        return near.object_warning
    if is_nameless_row(data, start):
        return _ROWS
    return f"{_NOTHING_KNOWN}; starts with {shown_start(data[:64])}"


def describe_markup(data: Buffer, start: int) -> str:
    """Describe a text that begins with a tag."""
    if data[start : start + 5] == b"<?xml" and b"<html" not in data[start : start + _SHOWN_BYTES]:
        return "an XML document, which is not supported; export JSON"
    return "a web page, not traces; is it a saved login page?"


def table_file(data: Buffer) -> str:
    """Name the kind of a binary file that holds a table; '' for other content."""
    return next((name for magic, name in _TABLE_FILES if data[: len(magic)] == magic), "")


def is_nameless_row(data: Buffer, start: int) -> bool:
    """Test whether the first line is a row with the ids and the time of a span, in a form that is not supported.

    That is so if the names of the columns are missing, or in the notation of SQL or Markdown.
    """
    if not _ROW_BEGINS.match(data, start):
        return False
    head = data[start : start + _SHOWN_BYTES]
    line = b"\n".join(head.split(b"\n", 3)[:3] if head[:1] == b"|" else head.split(b"\n", 1)[:1])
    return all(pattern.search(line) for pattern in (_TRACE_CELL, _SPAN_CELL, _TIME_CELL))
