"""Log events of AWS CloudWatch: output of `aws logs`, subscriptions (such as Firehose) and Insights queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from tracetui.ingest.envelopes.envelope import Head, InnerLine, decode_entry
from tracetui.ingest.envelopes.json_envelope import ItemTable, JsonEnvelope, read_objects
from tracetui.ingest.envelopes.rows import Entry, text_bytes
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MALFORMED

_KEYS_WITH_EVENTS: Final = frozenset(
    ("searchedLogStreams", "nextForwardToken", "nextBackwardToken", "nextToken", "searchedLogGroups")
)
_KEYS_WITH_MESSAGE: Final = frozenset(("ingestionTime", "eventId", "logStreamName"))


class _Event(msgspec.Struct):
    message: str
    timestamp: Any = ""
    logStreamName: str = ""  # noqa: N815 - the wire's spelling


class _CloudWatchRows(msgspec.Struct):
    events: list[Raw] = []
    logEvents: list[Raw] = []  # noqa: N815
    logStream: str = ""  # noqa: N815
    results: list[Raw] = []


class _Field(msgspec.Struct):
    field: str
    value: str = ""


class _CloudWatchResponse(msgspec.Struct):
    events: list[_Event] = []
    logEvents: list[_Event] = []  # noqa: N815
    logStream: str = ""  # noqa: N815
    results: list[list[_Field]] = []


class _InsightsRow(msgspec.Struct):
    message: Any = msgspec.field(name="@message")
    timestamp: Any = msgspec.field(name="@timestamp", default="")
    stream: Any = msgspec.field(name="@logStream", default="")


_ROW: Final = msgspec.json.Decoder(_InsightsRow)
_EVENT: Final = msgspec.json.Decoder(_Event)
_ROWS: Final = msgspec.json.Decoder(_CloudWatchRows)
_RESPONSE: Final = msgspec.json.Decoder(_CloudWatchResponse)


def _detect(head: Head) -> bool:
    keys = head.keys
    return (
        ("events" in keys and (not keys.isdisjoint(_KEYS_WITH_EVENTS) or b'"ingestionTime"' in head.data))
        or not {"searchedLogStreams", "logEvents"}.isdisjoint(keys)
        or keys >= {"messageType", "logGroup"}
        or keys >= {"@timestamp", "@message"}
        or ("message" in keys and not keys.isdisjoint(_KEYS_WITH_MESSAGE))
        or ("results" in keys and b'"@message"' in head.data)
    )


def _tables(text: Buffer) -> Sequence[ItemTable]:
    found = _ROWS.decode(text)
    stream = found.logStream
    return (
        ItemTable([*found.events, *found.logEvents], lambda some: _with_stream(stream, some)),
        ItemTable(found.results, lambda some: msgspec.json.encode({"results": some})),
    )


def _with_stream(stream: str, events: Sequence[Raw]) -> bytes:
    return msgspec.json.encode({"logStream": stream, "events": events})


def _read(number: int, text: bytes) -> Iterator[Entry]:
    try:
        row = _ROW.decode(text)
    except MALFORMED:
        pass
    else:
        yield Entry(str(row.timestamp), [InnerLine(number, text_bytes(row.message), str(row.stream))])
        return
    try:
        event = decode_entry(_EVENT, text)
    except MALFORMED:
        response = decode_entry(_RESPONSE, text)
    else:
        yield _entry(number, event.timestamp, event.message, event.logStreamName)
        return
    found = [
        (event.timestamp, event.message, event.logStreamName or response.logStream)
        for event in (*response.events, *response.logEvents)
    ]
    for fields in response.results:
        values = {field.field: field.value for field in fields}
        found.append((values.get("@timestamp", ""), values.get("@message", ""), values.get("@logStream", "")))
    for i, (when, message, stream) in enumerate(found):
        yield _entry(number + i, when, message, stream)


def _entry(number: int, when: Any, message: str, stream: str) -> Entry:
    return Entry(str(when), [InnerLine(number, message.encode("utf-8", "replace"), stream)])


ENVELOPE: Final = JsonEnvelope("CloudWatch log", _detect, read_objects(_read, b"@?message", b"value"), _tables)
"""`{"events":[{"timestamp":1774000000000,"message":"TEXT"}]}`, or the same under `logEvents` or `results`."""
