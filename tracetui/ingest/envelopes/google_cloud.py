"""Log entries of Google Cloud Logging, from `gcloud logging read`, a sink or a download in the console.

The entry is documented as LogEntry (cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Raw

from tracetui.ingest.envelopes.envelope import Head, InnerLine, decode_entry
from tracetui.ingest.envelopes.json_envelope import JsonEnvelope, read_objects
from tracetui.ingest.envelopes.rows import Entry, stream_of, text_bytes, text_of_json
from tracetui.model.json_decoding import MALFORMED

_KEYS_WITH_PAYLOAD: Final = frozenset(("insertId", "logName", "receiveTimestamp", "resource"))
_PAYLOADS: Final = frozenset(("textPayload", "jsonPayload"))
_NONE: Final = Raw(b"null")


class _GoogleResource(msgspec.Struct):
    labels: dict[str, Any] = {}


class _GoogleEntry(msgspec.Struct):
    textPayload: Any = None  # noqa: N815 - the wire's spelling
    jsonPayload: Raw = _NONE  # noqa: N815
    timestamp: str = ""
    logName: str = ""  # noqa: N815
    insertId: str = ""  # noqa: N815
    severity: Any = ""
    trace: Any = ""
    spanId: Any = ""  # noqa: N815
    labels: Any = None
    resource: _GoogleResource | None = None


class _Payload(msgspec.Struct):
    message: str | None = None


_ENTRY: Final = msgspec.json.Decoder(_GoogleEntry)
_PAYLOAD: Final = msgspec.json.Decoder(_Payload)


def _detect(head: Head) -> bool:
    companions = head.keys & _KEYS_WITH_PAYLOAD
    return len(companions) > (head.keys.isdisjoint(_PAYLOADS))


def _read(number: int, text: bytes) -> Iterator[Entry]:
    entry = decode_entry(_ENTRY, text)
    line = text_bytes(entry.textPayload) or _text_within(entry.jsonPayload)
    labels = entry.resource.labels if entry.resource else {}
    own = {"severity": entry.severity, "trace": entry.trace, "spanId": entry.spanId}
    own |= entry.labels if isinstance(entry.labels, dict) else {}
    fields = {name: value for name, value in own.items() if value}
    yield Entry(entry.timestamp, [InnerLine(number, line, f"{entry.logName} {stream_of(labels)}", fields=fields)])


def _text_within(payload: Raw) -> bytes:
    """Return the line that an agent wrapped in an object, or the object itself if the program wrote it."""
    try:
        fields = _PAYLOAD.decode(payload)
    except MALFORMED:
        return text_of_json(payload)
    line = (fields.message or "").strip()
    return (
        line.encode("utf-8", "replace") if line[:1] in ("{", "[") and line[-1:] in ("}", "]") else text_of_json(payload)
    )


ENVELOPE: Final = JsonEnvelope("Google Cloud log", _detect, read_objects(_read, b"textPayload", b"message"))
"""`{"insertId":"1","logName":"...","textPayload":"TEXT"}`, one per line or list item."""
