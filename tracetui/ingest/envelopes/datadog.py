"""Responses of Datadog's log search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine, decode_entry
from tracetui.ingest.envelopes.rows import OBJECT, Entry, entries, oldest_first, record_of
from tracetui.model.decoding import MalformedError


class Datadog(Envelope):
    """`{"data":[{"type":"log","attributes":{"timestamp":"...","service":"web","message":"TEXT"}}]}`."""

    name = "Datadog log search"
    unit = "entry"
    by_lines = False

    def detect(self, head: Head) -> bool:
        return "data" in head.keys and all(
            word in head.data for word in (b'"type"', b'"log"', b'"attributes"', b'"message"')
        )

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        return oldest_first(entries(chunks, _read, (b"message",)))


def _read(number: int, text: bytes) -> Iterator[Entry]:
    logs = decode_entry(OBJECT, text).get("data")
    for i, log in enumerate(logs if isinstance(logs, list) else [None]):
        fields = log.get("attributes") if isinstance(log, dict) else None
        if not isinstance(fields, dict):
            raise MalformedError("it has no log")
        # those of the record are nested
        own = fields.get("attributes")
        merged = {**fields, **own} if isinstance(own, dict) else fields
        yield record_of(number + i, merged, "message", "timestamp", ("host", "service"))
