"""Logs downloaded as CSV: from Grafana, CloudWatch, Google Cloud, Azure, Kibana, Splunk, Datadog and others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, pairwise
from typing import Any, Final

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine, Part
from tracetui.ingest.envelopes.parts import PART_BYTES
from tracetui.ingest.envelopes.rows import SAMPLED, Entry, is_newest_first, named_stream, oldest_first
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.source_bytes import Buffer

_PAYLOADS: Final = ("payload", "document", "json")
"""Columns of tables of messages, which count only if a cell holds JSON."""
_TEXTS: Final = (
    *("line", "message", "@message", "textpayload", "jsonpayload.message", "logmessage", "logentry", "log_s"),
    *("_raw", "content", "log", "body", "msg"),
    *_PAYLOADS,
)
"""Columns that hold the text of a line. The first one with a value counts."""
_ALL_TEXTS: Final = frozenset(_TEXTS)
_LINES: Final = _ALL_TEXTS - set(_PAYLOADS)
_TIMES: Final = (
    *("tsns", "@timestamp", "timestamp", "_time", "timegenerated", "timegenerated [utc]", "time", "date"),
    *("receivetimestamp", "ingestiontime", "_messagetime"),
)
_COMPANION_COLUMNS: Final = frozenset((*_TIMES, "id", "labels", "host", "insertid", "@logstream"))
_NO_FIELDS: Final = frozenset((*_TEXTS, *_TIMES, "id", "insertid", "@ptr"))
_LABELS: Final = "labels"
"""Column of Grafana's with all labels as a JSON object."""
_SEPARATOR_LINE: Final = re.compile(rb"sep=(.)\s*")
"""Line before the header that tells spreadsheets the separator."""
_NAME: Final = re.compile(rb"[\w .:/@()\[\]-]*")
_SEPARATORS: Final = b",;\t"
_MAX_TRIED: Final = 1_000
"""Number of lines that are tried as the beginning of a row."""
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
        texts = _ALL_TEXTS if b'"{""' in head.data else _LINES
        return len(columns) > 1 and not _COMPANION_COLUMNS.isdisjoint(columns) and not texts.isdisjoint(columns)

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        return oldest_first(_entries(b"".join(chunks)))

    def split(self, text: Buffer, start: int) -> Sequence[Part]:
        given = _SEPARATOR_LINE.match(text, start)
        first = text.find(b"\n", given.end() if given else start) + 1
        header = text[start:first]
        names, separator = _columns(header[given.end() - start if given else 0 :])
        cuts, at, quotes = [first], first, 0
        while len(text) - at > PART_BYTES:
            quotes += text[at : at + PART_BYTES].count(b'"')
            at += PART_BYTES
            cut = _next_row(text, at, quotes % 2, _FIELDS[separator], len(names))
            if cut < 0:
                return ()
            quotes += text[at:cut].count(b'"')
            at = cut
            cuts.append(at)
        cuts.append(len(text))
        sample = islice(_entries(header + text[first : cuts[1]]), SAMPLED)
        reverse = is_newest_first(entry.when for entry in sample)
        number, parts = 1, []
        for begin, end in pairwise(cuts):
            parts.append(Part(number, partial(_part, text, header, begin, end)))
            number += text[begin:end].count(b"\n")
        return parts[::-1] if reverse else parts


def _part(text: Buffer, header: bytes, begin: int, end: int) -> bytes:
    return header + text[begin:end]


def _next_row(text: Buffer, at: int, quotes: int, field: re.Pattern[bytes], width: int) -> int:
    """Find a position from `at` on where a row begins; -1 if there is none nearby.

    quotes: 1 if there is an odd number of quotes before `at`, else 0. width: number of cells.
    """
    for _ in range(_MAX_TRIED):
        end = text.find(b"\n", at, at + PART_BYTES)
        if end < 0:
            return -1
        quotes += text[at:end].count(b'"')
        at = end + 1
        if not quotes % 2 and _is_row(text, at, field, width):
            return at
    return -1


def _is_row(text: Buffer, at: int, field: re.Pattern[bytes], width: int) -> bool:
    """Test whether exactly one row of this many cells begins here."""
    for i in range(width):
        found = field.match(text, at)
        if found is None or (found[3][-1:] in (b"\n", b"")) != (i == width - 1):
            return False
        at = found.end()
    return True


def _columns(header: bytes) -> tuple[list[str], int]:
    """Parse a header line. -> the names, none if it is not a header; the separator"""
    separator = max(_SEPARATORS, key=header.count)
    cells = []
    for found in _FIELDS[separator].finditer(header.strip(b"\r\n")):
        cells.append(found[1] or found[2] or b"")
        if not found[3]:
            # or an empty cell would follow the last one
            break
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
    ends = bytes([separator])
    fields: list[bytes] = []
    number = 0
    while at < len(text):
        if not fields:
            end = text.find(b"\n", at)
            end = end if end >= 0 else len(text)
            fields = _simple_row(text[at:end].removesuffix(b"\r"), ends)
            if fields:
                at = end + 1
                number += 1
                if any(fields):
                    yield row_of.entry(number, fields)
                fields = []
                continue
        found = match(text, at)
        if found is None:
            # an unclosed quote, or text after a closed one
            end = text.find(b"\n", at)
            yield Entry("", [InnerLine(number, b"", lost="damaged CSV row; skipped")])
            at, fields = (end + 1 if end >= 0 else len(text)), []
            number += 1
            continue
        cell = found[2] if found[1] is None else found[1].replace(b'""', b'"')
        fields.append(cell)
        at = found.end()
        if found[3][:1] == ends:
            if at < len(text):
                continue
            fields.append(b"")
        number += 1
        if any(fields):
            yield row_of.entry(number, fields)
        fields = []


def _simple_row(row: bytes, separator: bytes) -> list[bytes]:
    """Split a row with at most one quoted cell, faster than by `_FIELDS`; empty for any other text."""
    first, last = row.find(b'"'), row.rfind(b'"')
    if first < 0:
        return row.split(separator)
    quoted = row[first + 1 : last]
    cell = quoted.replace(b'""', b'"')
    before, after = row[:first].split(separator), row[last + 1 :].split(separator)
    if first == last or before[-1] or after[0] or quoted.count(b'"') != 2 * (len(quoted) - len(cell)):
        return []
    return [*before[:-1], cell, *after[1:]]


class _LogColumns:
    """Columns of a table by their content."""

    def __init__(self, names: Sequence[str]) -> None:
        positions = {name.lower(): i for i, name in reversed(list(enumerate(names)))}
        self._texts = [positions[name] for name in _TEXTS if name in positions]
        self._times = [positions[name] for name in _TIMES if name in positions]
        self._fields = [(name, i) for i, name in enumerate(names) if name.lower() not in _NO_FIELDS]

    def entry(self, number: int, row: Sequence[bytes]) -> Entry:
        """Return the log entry of a row."""
        fields: dict[str, Any] = {
            name: row[i].decode("utf-8", "replace") for name, i in self._fields if i < len(row) and row[i]
        }
        fields |= lenient_json.container_in(fields.pop(_LABELS, "")) or {}
        line = next((row[i] for i in self._texts if i < len(row) and row[i]), b"")
        time = next((row[i] for i in self._times if i < len(row) and row[i]), b"").decode("utf-8", "replace")
        return Entry(time, [InnerLine(number, line, named_stream(fields), fields=fields)])


ENVELOPE = CsvDownload()
