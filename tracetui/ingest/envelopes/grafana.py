"""Logs downloaded in Grafana's Explore or from a panel: as text, JSON or CSV."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine, decode_entry, numbered
from tracetui.ingest.envelopes.rows import Entry, entries, oldest_first, stream_of

_TEXT: Final = re.compile(rb"(?:\d{13}\t\d{4}-\d\d-\d\dT[^\t]+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\t")
_META: Final = re.compile(rb'[A-Z][\w ]+: (?:"|\{|\d)')
_FIELD: Final = re.compile(rb'(?:"([^"]*+(?:""[^"]*+)*+)"|([^,\r\n]*+))(,|\r?\n|\Z)')
_COLUMN_NAMES: Final = frozenset((b"Line", b"line", b"Message", b"message", b"body"))
_BESIDE_LINE: Final = frozenset((b"Time", b"Date", b"tsNs", b"timestamp", b"id"))
_TIMES: Final = (b"tsNs", b"Time", b"timestamp", b"Date")
_STREAMS: Final = frozenset((b"tsns", b"time", b"timestamp", b"date", b"id", b"level", b"line", b"message", b"body"))


class _GrafanaRow(msgspec.Struct):
    line: str
    timestamp: Any = ""
    fields: dict[str, Any] = {}


_ROW: Final = msgspec.json.Decoder(_GrafanaRow)


class Grafana(Envelope):
    r"""`1774000000000\t2026-03-20T09:46:40.000Z\tTEXT`, `{"line":"TEXT","timestamp":"..."}`, or a CSV with `Line`."""

    name = "Grafana log download"
    unit = "entry"
    by_lines = False

    def detect(self, head: Head) -> bool:
        if head.is_json:
            return head.keys >= {"line", "timestamp"}
        lines = head.lines
        first = next((line for line in lines if not _META.match(line)), b"")
        return _TEXT.match(first) is not None or bool(lines and _text_column(lines[0]) is not None)

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        return oldest_first(_entries(chunks))


def _entries(chunks: Iterable[bytes]) -> Iterator[Entry]:
    rest = iter(chunks)
    first = b""
    for chunk in rest:
        first += chunk
        if b"\n" in first.lstrip():
            break
    text = first.lstrip()

    def again() -> Iterator[bytes]:
        yield first
        yield from rest

    if text[:1] in (b"{", b"["):
        return entries(again(), _of_json, (b"line",))
    if _text_column(text.partition(b"\n")[0]) is not None:
        return _of_csv(b"".join(again()))
    return _of_text(again())


def _of_json(number: int, text: bytes) -> Iterator[Entry]:
    row = decode_entry(_ROW, text)
    line = InnerLine(number, row.line.encode("utf-8", "replace"), stream_of(row.fields), fields=row.fields)
    yield Entry(str(row.timestamp), [line])


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


def _of_csv(text: bytes) -> Iterator[Entry]:
    names: list[bytes] = []
    fields: list[bytes] = []
    number = at = 0
    while at < len(text):
        found = _FIELD.match(text, at)
        if found is None:
            # a quote that is not closed, or text after one
            end = text.find(b"\n", at)
            yield Entry("", [InnerLine(number, b"", lost="damaged CSV row; left out")])
            at, fields = (end + 1 if end >= 0 else len(text)), []
            number += 1
            continue
        fields.append(found[2] if found[1] is None else found[1].replace(b'""', b'"'))
        at = found.end()
        if found[3] == b",":
            continue
        if not names:
            names, fields = fields, []
            continue
        row, fields = dict(zip(names, fields, strict=False)), []
        number += 1
        if any(row.values()):
            named = {
                name.decode("utf-8", "replace"): value.decode("utf-8", "replace")
                for name, value in row.items()
                if name.lower() not in _STREAMS
            }
            line = next((row[name] for name in names if name in _COLUMN_NAMES and name in row), b"")
            time = next((value.decode("utf-8", "replace") for name in _TIMES if (value := row.get(name))), "")
            yield Entry(time, [InnerLine(number, line, stream_of(named), fields=named)])


def _text_column(header: bytes) -> bytes | None:
    """The column that holds the lines, if this is the header of a download."""
    names = {found[1] or found[2] or b"" for found in _FIELD.finditer(header.strip())}
    found = names & _COLUMN_NAMES
    return min(found) if found and names & _BESIDE_LINE else None
