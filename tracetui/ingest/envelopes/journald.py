"""Output of `journalctl -o json`, `json-pretty`, `json-seq` and `json-sse`: the fields of an entry as an object.

The fields are those of systemd.journal-fields(7). A binary value is a list of bytes; a long one is null unless
journalctl was run with `--all`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

import msgspec

from tracetui.ingest.envelopes.envelope import NO_FIELDS, Head, InnerLine, decode_entry, numbered
from tracetui.ingest.envelopes.json_envelope import JsonEnvelope
from tracetui.ingest.envelopes.rows import Entry, values
from tracetui.model.json_decoding import MALFORMED

_KEYS_WITH_MESSAGE: Final = frozenset(("__CURSOR", "__REALTIME_TIMESTAMP", "_BOOT_ID", "_HOSTNAME", "_MACHINE_ID"))
_PREFIXES: Final = (b"\x1e", b"data: ")
"""Prefixes that `json-seq` and `json-sse` write before an object."""
_OMITTED: Final = "journalctl wrote a long message as null; run it with --all to include such messages"


class _JournalEntry(msgspec.Struct):
    MESSAGE: str | list[Any] | None
    id: Any = msgspec.field(name="_STREAM_ID", default="")
    unit: Any = msgspec.field(name="_SYSTEMD_UNIT", default="")
    container: Any = msgspec.field(name="CONTAINER_NAME", default="")
    tag: Any = msgspec.field(name="SYSLOG_IDENTIFIER", default="")
    process: Any = msgspec.field(name="_PID", default="")
    host: Any = msgspec.field(name="_HOSTNAME", default="")
    line_break: Any = msgspec.field(name="_LINE_BREAK", default="")
    partial: Any = msgspec.field(name="CONTAINER_PARTIAL_MESSAGE", default="")
    time: Any = msgspec.field(name="__REALTIME_TIMESTAMP", default="")
    priority: Any = msgspec.field(name="PRIORITY", default="")
    last: Any = msgspec.field(name="CONTAINER_PARTIAL_LAST", default="")


_ENTRY: Final = msgspec.json.Decoder(_JournalEntry)


def _detect(head: Head) -> bool:
    if head.data.startswith(_PREFIXES):
        head = Head(_without_prefix(head.data))
    return not head.keys.isdisjoint(_KEYS_WITH_MESSAGE) and ("MESSAGE" in head.keys or "__CURSOR" in head.keys)


def _entries(chunks: Iterable[bytes]) -> Iterator[Entry]:
    for number, text in values(map(_without_prefix, _lines(chunks))):
        try:
            entry = decode_entry(_ENTRY, text)
            message = entry.MESSAGE
            line = bytes(message) if isinstance(message, list) else (message or "").encode("utf-8", "replace")
        except (*MALFORMED, TypeError, ValueError):
            yield Entry("", [InnerLine(number, text)])
            continue
        names = (entry.host, entry.unit, entry.container, entry.tag, entry.process)
        stream = str(entry.id or " ".join(map(str, names)))
        continues = entry.line_break == "line-max" or (entry.partial == "true" and entry.last != "true")
        lost = _OMITTED if message is None else ""
        fields = {"priority": entry.priority} if entry.priority else NO_FIELDS
        yield Entry(str(entry.time), [InnerLine(number, line, stream, not continues, lost, fields=fields)])


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks unchanged, or line by line if the objects have prefixes."""
    rest = iter(chunks)
    first = next(rest, b"")
    if first.startswith(_PREFIXES):
        for _, line in numbered(chain([first], rest)):
            yield line + b"\n"
    else:
        yield first
        yield from rest


def _without_prefix(line: bytes) -> bytes:
    return next((line[len(prefix) :] for prefix in _PREFIXES if line.startswith(prefix)), line)


ENVELOPE: Final = JsonEnvelope("journalctl JSON log", _detect, _entries, prefixes=_PREFIXES)
"""`{"MESSAGE":"TEXT","_HOSTNAME":"web1","__REALTIME_TIMESTAMP":"1774000000000000"}`."""
