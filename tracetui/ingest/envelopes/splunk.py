"""Results of a Splunk search, exported as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tracetui.ingest.envelopes.envelope import decode_entry
from tracetui.ingest.envelopes.json_envelope import JsonEnvelope, read_objects
from tracetui.ingest.envelopes.rows import OBJECT, Entry, record_of
from tracetui.model.json_decoding import MalformedError


def _read(number: int, text: bytes) -> Iterator[Entry]:
    event = decode_entry(OBJECT, text).get("result")
    if not isinstance(event, dict):
        raise MalformedError("it has no result")
    yield record_of(number, event, "_raw", "_time", ("host", "source"))


ENVELOPE: Final = JsonEnvelope(
    "Splunk search export",
    lambda head: head.keys >= {"preview", "result"} and b'"_raw"' in head.data,
    read_objects(_read, b"_raw"),
)
"""`{"preview":false,"result":{"_raw":"TEXT","_time":"2026-03-20T09:46:40.100+00:00"}}`."""
