"""Rows of Azure Monitor's container logs, as query results, `az monitor log-analytics` and storage exports have them.

The tables are ContainerLog (`LogEntry`) and ContainerLogV2 (`LogMessage`) of Log Analytics.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Raw

from tracetui.ingest.envelopes.envelope import Head, InnerLine, decode_entry
from tracetui.ingest.envelopes.json_envelope import ItemTable, JsonEnvelope, read_objects
from tracetui.ingest.envelopes.rows import Entry, text_bytes
from tracetui.ingest.source_bytes import Buffer

_TEXT_COLUMNS: Final = ("LogMessage", "LogEntry", "Log_s", "log_s")
_STREAM_COLUMNS: Final = ("PodName", "ContainerName", "ContainerID", "ContainerId", "LogSource", "LogEntrySource")


class _Properties(msgspec.Struct):
    log: Any = None
    other_log: Any = msgspec.field(name="Log", default=None)
    stream: str = ""
    pod: str = ""
    containerID: str = ""  # noqa: N815 - the wire's spelling


class _Column(msgspec.Struct):
    name: str


class _AzureTable(msgspec.Struct):
    columns: list[_Column]
    rows: list[list[Any]]


class _AzureTableRows(msgspec.Struct):
    columns: Raw
    rows: list[Raw]


class _AzureRows(msgspec.Struct):
    tables: list[_AzureTableRows] = []
    records: list[Raw] = []


class _AzureRow(msgspec.Struct):
    Log: Any = None
    TimeStamp: str = ""
    LogMessage: Any = None
    LogEntry: Any = None
    Log_s: Any = None
    TimeGenerated: str = ""
    time: str = ""
    PodName: str | None = None
    ContainerName: str | None = None
    ContainerID: str | None = None
    ContainerId: str | None = None
    LogSource: str | None = None
    LogEntrySource: str | None = None
    properties: _Properties | None = None
    tables: list[_AzureTable] | None = None
    records: list[_AzureRow] | None = None


_ROW: Final = msgspec.json.Decoder(_AzureRow)
_ROWS: Final = msgspec.json.Decoder(_AzureRows)


def _detect(head: Head) -> bool:
    keys = head.keys
    return (
        not keys.isdisjoint(("LogEntry", "LogMessage", "Log_s"))
        or keys >= {"Log", "TimeStamp"}
        or (keys >= {"category", "properties", "time"})
        or ("tables" in keys and b'"columns"' in head.data and _names_a_column(head.data))
        or ("records" in keys and b'"category"' in head.data)
    )


def _tables(text: Buffer) -> Sequence[ItemTable]:
    found = _ROWS.decode(text)
    return (
        *(ItemTable(table.rows, partial(_table, table.columns)) for table in found.tables),
        ItemTable(found.records, lambda some: msgspec.json.encode({"records": some})),
    )


def _table(columns: Raw, rows: Sequence[Raw]) -> bytes:
    return msgspec.json.encode({"tables": [{"columns": columns, "rows": rows}]})


def _names_a_column(data: bytes) -> bool:
    return any(b'"%b"' % name.encode() in data for name in _TEXT_COLUMNS)


def _read(number: int, text: bytes) -> Iterator[Entry]:
    row = decode_entry(_ROW, text)
    if row.tables is None and row.records is None:
        yield _entry(number, row) or Entry("", [InnerLine(number, text)])
        return
    for table in row.tables or ():
        for entry in _of_table(number, table):
            yield entry
            number += 1
    for record in row.records or ():
        yield _entry(number, record) or Entry("", [InnerLine(number, msgspec.json.encode(record))])
        number += 1


def _entry(number: int, row: _AzureRow) -> Entry | None:
    inner = row.properties or _Properties()
    given = [
        text
        for text in (row.LogMessage, row.LogEntry, row.Log_s, row.Log, inner.log, inner.other_log)
        if text is not None
    ]
    if not given:
        return None
    names = (row.PodName, row.ContainerName, row.ContainerID, row.ContainerId, row.LogSource, row.LogEntrySource)
    stream = " ".join(name for name in (*names, inner.pod, inner.containerID, inner.stream) if name)
    return Entry(row.TimeGenerated or row.time or row.TimeStamp, [InnerLine(number, text_bytes(given[0]), stream)])


def _of_table(number: int, table: _AzureTable) -> Iterator[Entry]:
    at = {column.name: i for i, column in enumerate(table.columns)}
    text = next((at[name] for name in _TEXT_COLUMNS if name in at), None)
    if text is None:
        return
    streams = [at[name] for name in _STREAM_COLUMNS if name in at]
    when = at.get("TimeGenerated")
    for i, row in enumerate(table.rows):
        if len(row) == len(at):
            stream = " ".join(str(row[j]) for j in streams)
            time = str(row[when]) if when is not None else ""
            yield Entry(time, [InnerLine(number + i, text_bytes(row[text]), stream)])


ENVELOPE: Final = JsonEnvelope(
    "Azure container log", _detect, read_objects(_read, b"LogMessage", b"LogEntry", b"log", b"Log"), _tables
)
"""Rows of the form `{"LogEntry":"TEXT","TimeGenerated":"..."}`, or `tables` of such rows."""
