"""Logs from Grafana Loki: `logcli` output, and the JSON of its API (queries, pushes and tails)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Raw

from tracetui.ingest.envelopes.envelope import Head, InnerLine, decode_entry
from tracetui.ingest.envelopes.json_envelope import ItemTable, JsonEnvelope
from tracetui.ingest.envelopes.rows import Entry, items, oldest_first, stream_of, text_of_json, values
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MALFORMED, MalformedError

_STREAMS: Final = re.compile(rb'"resultType"\s*:\s*"streams"|"result"\s*:\s*\[\s*\{\s*"stream"\s*:\s*\{')
_LABEL: Final = rb'[A-Za-z_]\w*="(?:[^"\\]|\\.)*+"'
_PLAIN: Final = re.compile(rb"(\d{4}-\d\d-\d\dT[^ ]+) (\{(?:%b(?:, ?%b)*+)?\})(?: |\t|$)" % (_LABEL, _LABEL))
_PAIR: Final = re.compile(rb'\[\s*"(\d{10,})"\s*,\s*("(?:[^"\\]|\\.)*+")', re.DOTALL)
_META: Final = (b"Common labels: ", b"http://", b"https://")


class _Line(msgspec.Struct):
    line: str
    timestamp: str = ""
    labels: dict[str, Any] = {}


class _LokiStream(msgspec.Struct):
    values: list[list[Any]]
    stream: dict[str, Any] = {}


class _LokiData(msgspec.Struct):
    result: list[_LokiStream]


class _LokiResponse(msgspec.Struct):
    data: _LokiData | None = None
    streams: list[_LokiStream] = []


class _LokiStreamRows(msgspec.Struct):
    values: list[Raw]
    stream: Raw = Raw(b"{}")


class _LokiDataRows(msgspec.Struct):
    result: list[_LokiStreamRows]


class _LokiRows(msgspec.Struct):
    data: _LokiDataRows | None = None
    streams: list[_LokiStreamRows] = []


_ROWS: Final = msgspec.json.Decoder(_LokiRows)
_LINE: Final = msgspec.json.Decoder(_Line)
_RESPONSE: Final = msgspec.json.Decoder(_LokiResponse)


def _fields(labels: dict[str, Any], value: list[Any]) -> dict[str, Any]:
    """Collect the fields of an entry: the labels of its stream and its own metadata, which may be in several parts."""
    own = value[2] if len(value) > 2 and isinstance(value[2], dict) else None
    if not own:
        return labels
    parts = [part for part in own.values() if isinstance(part, dict)]
    return {**labels, **own, **{name: text for part in parts for name, text in part.items()}}


def _detect(head: Head) -> bool:
    keys = head.keys
    if not keys:
        return any(map(_PLAIN.match, head.lines[:4]))
    return (
        keys >= {"line", "labels"}
        or ("data" in keys and _STREAMS.search(head.data) is not None)
        or ("streams" in keys and b'"values"' in head.data)
    )


def _tables(text: Buffer) -> Sequence[ItemTable]:
    found = _ROWS.decode(text)
    return [
        ItemTable(stream.values, partial(_stream, stream.stream))
        for stream in (*(found.data.result if found.data else ()), *found.streams)
    ]


def _stream(labels: Raw, rows: Sequence[Raw]) -> bytes:
    return msgspec.json.encode({"streams": [{"stream": labels, "values": rows}]})


def _entries(chunks: Iterable[bytes]) -> Iterator[Entry]:
    stream, number = "", 0
    # several responses may be saved in a list
    for text in (item for _, value in values(chunks) for item in _items(value)):
        number += 1
        plain = _PLAIN.match(text)
        if plain:
            stream = plain[2].decode("utf-8", "replace")
            yield Entry(plain[1].decode("utf-8", "replace"), [InnerLine(number, text[plain.end() :], stream)])
            continue
        try:
            line = decode_entry(_LINE, text)
        except MALFORMED:
            if text.startswith(_META):
                continue
            found = _response_entries(number, text)
            yield from found or [Entry("", [InnerLine(number, text, stream)])]
            number += max(sum(len(entry.lines) for entry in found) - 1, 0)
        else:
            text = line.line.encode("utf-8", "replace")
            yield Entry(line.timestamp, [InnerLine(number, text, stream_of(line.labels), fields=line.labels)])


def _items(text: bytes) -> Iterator[bytes]:
    try:
        yield from (bytes(memoryview(item)) for item in items(text))
    except MalformedError:
        yield text


def _response_entries(number: int, text: bytes) -> list[Entry]:
    """Yield the entries of an API response, numbered from `number`; none for other JSON."""
    try:
        response = decode_entry(_RESPONSE, text)
    except MALFORMED as error:
        if b'"values"' not in text:
            return []
        damaged = InnerLine(number, b"", lost=f"damaged JSON ({error}); only its intact entries were read")
        pairs = _PAIR.finditer(text)
        return [Entry("", [damaged, *(InnerLine(number + i, text_of_json(found[2])) for i, found in enumerate(pairs))])]
    entries = []
    for one in (*(response.data.result if response.data else ()), *response.streams):
        name = stream_of(one.stream)
        lines = []
        for value in one.values:
            if len(value) > 1:
                text = str(value[1]).encode("utf-8", "replace")
                line = InnerLine(number, text, name, fields=_fields(one.stream, value))
                lines.append(Entry(str(value[0]), [line]))
                number += 1
        entries.append(Entry("", list(oldest_first(lines))))
    return entries


ENVELOPE: Final = JsonEnvelope("Loki log", _detect, _entries, _tables)
"""Lines of `{"labels":{"pod":"web-1"},"line":"TEXT","timestamp":"..."}`, or `streams` with `values`."""
