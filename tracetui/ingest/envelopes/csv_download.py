"""Logs downloaded as CSV: from Grafana, CloudWatch, Google Cloud, Azure, Kibana, Splunk, Datadog and others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine
from tracetui.ingest.envelopes.rows import Entry, named_stream, oldest_first
from tracetui.ingest.json_repair import lenient_json

_TEXTS: Final = (
    *("line", "message", "@message", "textpayload", "jsonpayload.message", "logmessage", "logentry", "log_s"),
    *("_raw", "content", "log", "body", "msg"),
)
"""Columns that hold the text of a line. The first one with a value counts."""
_TIMES: Final = (
    *("tsns", "@timestamp", "timestamp", "_time", "timegenerated", "timegenerated [utc]", "time", "date"),
    *("receivetimestamp", "ingestiontime"),
)
_BESIDE: Final = frozenset((*_TIMES, "id", "labels", "host", "insertid", "@logstream"))
_NO_FIELDS: Final = frozenset((*_TEXTS, *_TIMES, "id", "insertid", "@ptr"))
_LABELS: Final = "labels"
"""Column of Grafana's with all labels as a JSON object."""
_SEPARATOR_LINE: Final = re.compile(rb"sep=(.)\s*")
"""Line before the header that tells spreadsheets the separator."""
_NAME: Final = re.compile(rb"[\w .:/@()\[\]-]*")
_SEPARATORS: Final = b",;\t"
_FIELDS: Final = {
    separator: re.compile(
        rb'(?:"([^"]*+(?:""[^"]*+)*+)"|([^%b\r\n]*+))(%b|\r?\n|\Z)' % (bytes([separator]), bytes([separator]))
    )
    for separator in _SEPARATORS
}


class CsvDownload(Envelope):
    """A table with a column of lines, such as `Line` or `@message`, and another one that logs have, such as a time."""

    name = "CSV log download"
    unit = "entry"
    by_lines = False

    def detect(self, head: Head) -> bool:
        if head.is_json:
            return False
        lines = head.lines
        header = lines[1] if len(lines) > 1 and _SEPARATOR_LINE.fullmatch(lines[0]) else lines[0] if lines else b""
        columns = [name.lower() for name in _columns(header)[0]]
        return len(columns) > 1 and not _BESIDE.isdisjoint(columns) and not set(_TEXTS).isdisjoint(columns)

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        return oldest_first(_entries(b"".join(chunks)))


def _columns(header: bytes) -> tuple[list[str], int]:
    """Parse a header line. -> the names, none if it is not a header; the separator"""
    separator = max(_SEPARATORS, key=header.count)
    cells = [found[1] or found[2] or b"" for found in _FIELDS[separator].finditer(header.strip(b"\r\n"))]
    if not all(map(_NAME.fullmatch, cells)):
        return [], separator
    return [cell.decode("utf-8", "replace").strip() for cell in cells], separator


def _entries(text: bytes) -> Iterator[Entry]:
    at = len(text) - len(text.lstrip())
    given = _SEPARATOR_LINE.match(text, at)
    at = given.end() if given else at
    end = text.find(b"\n", at)
    header = text[at : end if end >= 0 else len(text)]
    names, separator = _columns(header)
    row_of = _LogColumns(names)
    match = _FIELDS[separator].match
    at = end + 1 if end >= 0 else len(text)
    fields: list[bytes] = []
    number = 0
    while at < len(text):
        found = match(text, at)
        if found is None:
            # an unclosed quote, or text after a closed one
            end = text.find(b"\n", at)
            yield Entry("", [InnerLine(number, b"", lost="damaged CSV row; skipped")])
            at, fields = (end + 1 if end >= 0 else len(text)), []
            number += 1
            continue
        fields.append(found[2] if found[1] is None else found[1].replace(b'""', b'"'))
        at = found.end()
        if found[3][0] == separator:
            if at < len(text):
                continue
            fields.append(b"")
        number += 1
        if any(fields):
            yield row_of.entry(number, fields)
        fields = []


class _LogColumns:
    """Columns of a table by their content."""

    def __init__(self, names: Sequence[str]) -> None:
        places = {name.lower(): i for i, name in reversed(list(enumerate(names)))}
        self._texts = [places[name] for name in _TEXTS if name in places]
        self._times = [places[name] for name in _TIMES if name in places]
        self._fields = [(name, i) for i, name in enumerate(names) if name.lower() not in _NO_FIELDS]

    def entry(self, number: int, row: Sequence[bytes]) -> Entry:
        """Return the log entry of a row."""
        fields: dict[str, Any] = {
            name: row[i].decode("utf-8", "replace") for name, i in self._fields if i < len(row) and row[i]
        }
        fields |= lenient_json.value_in(fields.pop(_LABELS, "")) or {}
        line = next((row[i] for i in self._texts if i < len(row) and row[i]), b"")
        time = next((row[i] for i in self._times if i < len(row) and row[i]), b"").decode("utf-8", "replace")
        return Entry(time, [InnerLine(number, line, named_stream(fields), fields=fields)])
