"""JSON values that are not spans: errors about them, and the spans within them.

Log shippers, queues and log stores put a program's output into a member of their records, as a text or as an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Final

from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import RAW_ITEMS, reason

LOG_RECORD_KEYS: Final = frozenset(
    (
        *("level", "lvl", "severity", "loglevel", "levelname", "msg", "message", "log", "error", "line", "event"),
        *("logs", "payload", "textpayload", "jsonpayload", "raw", "logmessage", "shortmessage", "fullmessage"),
    )
)
"""Keys of log records, as `plain` writes them."""
_UNSUPPORTED: Final = (
    (frozenset(("processor", "trace", "transaction")), "events of Elastic APM, which are not supported"),
    (frozenset(("traceEvents",)), "a Chrome trace, which is not supported"),
    (frozenset(("Traces",)), "traces of AWS X-Ray, which are not supported"),
    (frozenset(("Id", "Segments")), "traces of AWS X-Ray, which are not supported"),
    (frozenset(("projectId", "traceId", "spans")), "a trace of Google Cloud Trace, which is not supported"),
    (frozenset(("parent", "child", "callCount")), "a dependency of Jaeger's service graph, which holds no spans"),
    (frozenset(("rootServiceName",)), "a summary of a trace, which holds no spans"),
)
"""Objects of other known kinds, by their keys."""
_CONTAINER: Final = re.compile(
    rb'\\*"(?:resource_?spans|scope_?spans|instrumentation_?library_?spans)\\*"\s*:', re.IGNORECASE
)
_TRACE: Final = re.compile(rb'\\*"trace_?id\\*"\s*:', re.IGNORECASE)
_TIME: Final = re.compile(rb'\\*"(?:start|end|duration|timestamp_?end)\w*\\*"\s*:', re.IGNORECASE)
_DECODER: Final = json.JSONDecoder(strict=False)
_JSON: Final = re.compile(r'\{\s*"|\[\s*\{\s*"')


class NotTracesError(Exception):
    """A value contains no spans; the message describes it."""

    def __init__(self, message: str, *, is_log_record: bool = False) -> None:
        super().__init__(message)
        self.is_log_record = is_log_record


@dataclass(slots=True)
class UnknownEntries:
    """Entries of a list that are of an unknown kind or not JSON."""

    size: int
    count: int = 0
    log_records: int = 0
    reason: str = ""

    def add(self, error: Exception) -> None:
        self.count += 1
        self.log_records += isinstance(error, NotTracesError) and error.is_log_record
        self.reason = self.reason or reason(error)

    def warn(self, context: DecodeContext) -> None:
        """Warn about the entries, or count them if all are log records, which are normal among spans."""
        if not self.count:
            return
        if self.log_records == self.count:
            for _ in range(self.count):
                context.skip_value(self.reason, is_log_record=True)
            return
        noun = "entry" if self.size == 1 else "entries"
        context.warn(f"{self.count:,} of {self.size:,} {noun} skipped: {self.reason}")


def unsupported_kind(keys: Set[str]) -> str:
    """Describe an object of a known kind that is not supported, by its keys; '' for any other."""
    return next((what for needed, what in _UNSUPPORTED if keys >= needed), "")


def values_with_spans(members: Mapping[str, Raw]) -> Iterator[tuple[str, Buffer | Raw]]:
    """Yield the positions and texts of the objects in an unknown object that seem to hold spans.

    These are members, items of members that are lists, and the JSON in members that are texts. Raises one of MALFORMED
    if the object is not JSON throughout.
    """
    for key, value in members.items():
        if not _holds_spans(value):
            continue
        first = bytes(memoryview(value)[:1])
        if first == b"[":
            yield from ((f"{key}[{i}]", item) for i, item in enumerate(RAW_ITEMS.decode(value)) if _holds_spans(item))
        elif first == b"{":
            yield key, value
        else:
            yield from ((key, text) for text in _values_in(str(lenient_json.loads(value))))


def _values_in(text: str) -> Iterator[bytes]:
    """Yield the JSON values with spans in a text: one with other text around it, or several lines."""
    found = _JSON.search(text)
    if found is None:
        return
    whole = _value_at(text, found.start())
    if whole is not None:
        yield whole
        return
    lines = [line for line in text.splitlines() if _holds_spans(line.encode("utf-8", "replace"))]
    for line in lines if len(lines) > 1 else [text]:
        found = _JSON.search(line)
        if found is not None:
            value = _value_at(line, found.start())
            yield line[found.start() :].encode("utf-8", "replace") if value is None else value


def _value_at(text: str, at: int) -> bytes | None:
    """Return the JSON value that begins here, if no other follows it."""
    try:
        _, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return None if _JSON.search(text, end) else text[at:end].encode("utf-8", "replace")


def _holds_spans(value: bytes | Raw) -> bool:
    if _CONTAINER.search(value):
        return True
    return _TRACE.search(value) is not None and _TIME.search(value) is not None
