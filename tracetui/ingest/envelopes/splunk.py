"""Results of a Splunk search, exported as JSON lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracetui.ingest.envelopes.envelope import Head, InnerLine, decode_entry
from tracetui.ingest.envelopes.parts import JsonEnvelope
from tracetui.ingest.envelopes.rows import OBJECT, Entry, entries, oldest_first, record_of
from tracetui.model.json_decoding import MalformedError


class Splunk(JsonEnvelope):
    """`{"preview":false,"result":{"_raw":"TEXT","_time":"2026-03-20T09:46:40.100+00:00"}}`."""

    name = "Splunk search export"
    unit = "entry"
    by_lines = False

    def detect(self, head: Head) -> bool:
        return head.keys >= {"preview", "result"} and b'"_raw"' in head.data

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        return oldest_first(entries(chunks, _read, (b"_raw",)))


def _read(number: int, text: bytes) -> Iterator[Entry]:
    event = decode_entry(OBJECT, text).get("result")
    if not isinstance(event, dict):
        raise MalformedError("it has no result")
    yield record_of(number, event, "_raw", "_time", ("host", "source"))
