"""Output of `journalctl -o export`, also from `systemd-journal-remote`: the fields of an entry, one per line.

A value that contains line breaks is preceded by its length in bytes. Source: systemd, "Journal Export Formats".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine, Part
from tracetui.ingest.envelopes.parts import PART_BYTES, between
from tracetui.ingest.source_bytes import Buffer

_FIELD: Final = re.compile(rb"([A-Z_][A-Z0-9_]*)(=|\n)")
_LENGTH: Final = 8
_STREAM: Final = ("_HOSTNAME", "_SYSTEMD_UNIT", "CONTAINER_NAME", "SYSLOG_IDENTIFIER", "_PID")


class JournaldExport(Envelope):
    """`__CURSOR=...`, `MESSAGE=TEXT` and further fields, then a blank line."""

    name = "journalctl export log"
    unit = "entry"
    by_lines = False

    def detect(self, head: Head) -> bool:
        return head.data.lstrip().startswith((b"__CURSOR=", b"__REALTIME_TIMESTAMP=")) and b"\nMESSAGE" in head.data

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        number = 0
        for fields in _entries(_Bytes(chunks)):
            if "MESSAGE" not in fields:
                continue
            number += 1
            named = {name: fields[name].decode("utf-8", "replace") for name in fields if name != "MESSAGE"}
            stream = named.get("_STREAM_ID") or " ".join(named.get(name, "") for name in _STREAM)
            priority = {"priority": named["PRIORITY"]} if "PRIORITY" in named else {}
            continues = named.get("_LINE_BREAK") == "line-max" or (
                named.get("CONTAINER_PARTIAL_MESSAGE") == "true" and named.get("CONTAINER_PARTIAL_LAST") != "true"
            )
            when = named.get("__REALTIME_TIMESTAMP", "")
            yield InnerLine(number, fields["MESSAGE"], stream, not continues, when=when, fields=priority)

    def split(self, text: Buffer, start: int) -> Sequence[Part]:
        first = _FIELD.match(text, start)
        if first is None:
            return ()
        begins = re.compile(rb"\n\n(?=%b=)" % first[1])
        parts, at, number = [], start, 1
        while at < len(text):
            found = begins.search(text, at + PART_BYTES)
            end = found.end() if found else len(text)
            parts.append(Part(number, partial(between, text, at, end)))
            number += len(begins.findall(text, at, end)) + 1
            at = end
        return parts


class _Bytes:
    """Buffer of a text that arrives in chunks and is consumed from the beginning."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held = b""
        self._at = 0

    def line(self) -> bytes:
        """Take a line with its line break; empty at the end of the text."""
        searched = self._at
        while (end := self._held.find(b"\n", searched)) < 0:
            searched = len(self._held) - self._at
            if not self._more():
                end = len(self._held) - 1
                break
        line, self._at = self._held[self._at : end + 1], end + 1
        return line

    def take(self, size: int) -> bytes:
        """Take this many bytes, or all that are left."""
        while len(self._held) - self._at < size and self._more():
            pass
        taken = self._held[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._held, self._at = self._held[self._at :] + chunk, 0
        return True


def _entries(text: _Bytes) -> Iterator[dict[str, bytes]]:
    fields: dict[str, bytes] = {}
    while line := text.line():
        found = _FIELD.match(line)
        if found is None:
            if fields:
                yield fields
            fields = {}
        elif found[2] == b"=":
            fields[found[1].decode()] = line[found.end() :].removesuffix(b"\n")
        else:
            size = int.from_bytes(text.take(_LENGTH), "little")
            fields[found[1].decode()] = text.take(size)
            text.line()
    if fields:
        yield fields


ENVELOPE = JournaldExport()
