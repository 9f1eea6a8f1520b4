"""Responses of Datadog's log search, and the files of its log archives: a JSON object per line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from tracetui.ingest.envelopes.envelope import Head, decode_entry
from tracetui.ingest.envelopes.json_envelope import ItemTable, JsonEnvelope, read_objects
from tracetui.ingest.envelopes.rows import OBJECT, Entry, record_of
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MalformedError

_ARCHIVED: Final = frozenset(("_id", "date", "message"))
"""Keys of an archived log."""


class _DatadogResponse(msgspec.Struct):
    data: list[Raw]


_RESPONSE: Final = msgspec.json.Decoder(_DatadogResponse)


def _detect(head: Head) -> bool:
    if head.keys >= _ARCHIVED:
        return True
    return "data" in head.keys and all(
        word in head.data for word in (b'"type"', b'"log"', b'"attributes"', b'"message"')
    )


def _tables(text: Buffer) -> Sequence[ItemTable]:
    return (ItemTable(_RESPONSE.decode(text).data, lambda some: msgspec.json.encode({"data": some})),)


def _read(number: int, text: bytes) -> Iterator[Entry]:
    event = decode_entry(OBJECT, text)
    if event.keys() >= _ARCHIVED:
        yield record_of(number, event, "message", "date", ("host", "service"))
        return
    logs = event.get("data")
    for i, log in enumerate(logs if isinstance(logs, list) else [None]):
        fields = log.get("attributes") if isinstance(log, dict) else None
        if not isinstance(fields, dict):
            raise MalformedError("it has no log")
        # those of the record are nested
        own = fields.get("attributes")
        merged = {**fields, **own} if isinstance(own, dict) else fields
        yield record_of(number + i, merged, "message", "timestamp", ("host", "service"))


ENVELOPE: Final = JsonEnvelope("Datadog log search", _detect, read_objects(_read, b"message"), _tables)
"""`{"data":[{"type":"log","attributes":{"timestamp":"...","service":"web","message":"TEXT"}}]}`."""
