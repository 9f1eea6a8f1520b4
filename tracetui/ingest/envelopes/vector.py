"""Records that Vector makes from a program's output (`source_type` names the source)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracetui.ingest.envelopes.envelope import Head, InnerLine, decode_entry
from tracetui.ingest.envelopes.parts import JsonEnvelope
from tracetui.ingest.envelopes.rows import OBJECT, Entry, entries, oldest_first, record_of


class Vector(JsonEnvelope):
    """`{"message":"TEXT","source_type":"file","timestamp":"2026-03-20T09:46:40.1Z"}`."""

    name = "Vector log"
    unit = "entry"
    by_lines = False

    def detect(self, head: Head) -> bool:
        return head.keys >= {"message", "source_type"}

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        return oldest_first(entries(chunks, _read, (b"message",)))


def _read(number: int, text: bytes) -> Iterator[Entry]:
    names = ("host", "kubernetes", "container_name", "file", "stream")
    yield record_of(number, decode_entry(OBJECT, text), "message", "timestamp", names)
