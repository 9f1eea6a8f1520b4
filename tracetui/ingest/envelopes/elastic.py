"""Records of Filebeat and Logstash, also as stored by Elasticsearch or OpenSearch, or as hits of a search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from tracetui.ingest.envelopes.envelope import Head, decode_entry
from tracetui.ingest.envelopes.json_envelope import ItemTable, JsonEnvelope, read_objects
from tracetui.ingest.envelopes.rows import OBJECT, Entry, record_of
from tracetui.ingest.source_bytes import Buffer

_KEYS_WITH_MESSAGE: Final = frozenset(
    ("agent", "beat", "input", "@metadata", "@version", "kubernetes", "container", "docker", "offset", "log", "stream")
)


class _SearchHits(msgspec.Struct):
    hits: list[Raw]


class _SearchResponse(msgspec.Struct):
    hits: _SearchHits


_RESPONSE: Final = msgspec.json.Decoder(_SearchResponse)
_NAMES: Final = ("host", "kubernetes", "container", "log", "stream")


def _detect(head: Head) -> bool:
    keys = head.keys
    if keys >= {"@timestamp", "message"}:
        return not keys.isdisjoint(_KEYS_WITH_MESSAGE)
    hits = "hits" in keys or keys >= {"_index", "_source"}
    return hits and b'"message"' in head.data and b'"@timestamp"' in head.data


def _tables(text: Buffer) -> Sequence[ItemTable]:
    return (ItemTable(_RESPONSE.decode(text).hits.hits, lambda some: msgspec.json.encode({"hits": some})),)


def _read(number: int, text: bytes) -> Iterator[Entry]:
    for i, fields in enumerate(_documents(decode_entry(OBJECT, text))):
        yield record_of(number + i, fields, "message", "@timestamp", _NAMES)


def _documents(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the documents of a search response or of a hit, or the document itself."""
    hits = value.get("hits")
    hits = hits.get("hits") if isinstance(hits, dict) else hits
    for hit in hits if isinstance(hits, list) else [value]:
        inner = hit.get("_source", hit.get("fields", hit)) if isinstance(hit, dict) else None
        yield _single(inner) if isinstance(inner, dict) else {}


def _single(fields: dict[str, Any]) -> dict[str, Any]:
    """Unwrap the lists that the fields of a search response are."""
    return {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in fields.items()}


ENVELOPE: Final = JsonEnvelope("Filebeat or Logstash log", _detect, read_objects(_read, b"message"), _tables)
"""`{"@timestamp":"2026-03-20T09:46:40.100Z","message":"TEXT","agent":{"type":"filebeat"}}`, or search hits."""
