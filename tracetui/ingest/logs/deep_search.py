"""Ids of a log record outside the usual fields: in an object at any key, or in the text of the message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.logs.fields import FieldReader, plain_key
from tracetui.ingest.logs.ids import span_keys_of, trace_id_readings
from tracetui.ingest.logs.plain_text import ORIGINAL, without_ids
from tracetui.ingest.logs.record import LogContent, LogRecord, completed
from tracetui.model.trace_reference import ids_in

_TRACE: Final = frozenset(("trace_id", "traceid", "trace.id", "traceparent"))
_SPAN: Final = frozenset(("span_id", "spanid", "span.id", "traceparent"))
_OF_OTHERS: Final = ("parent", "link")
"""Beginnings of the names of objects with the ids of other spans."""
_MAX_VALUES: Final = 1_000
_LONGEST: Final = 1 << 16
_MIN_ID: Final = 10


def with_ids(record: LogRecord, fields: dict[str, Any], message: str, reader: FieldReader) -> LogRecord:
    """Complete a record without a trace id by the ids that are anywhere in its fields or its message."""
    inner = json_object_in(message)
    if inner is not None:
        # a record that another program wrapped
        within = reader.record(inner)
        if within.trace_ids:
            return LogRecord(partial(completed, within.content, record.content), within.trace_ids)
    for held in _objects(fields):
        names = {plain_key(key): key for key in held}
        trace = next((held[names[name]] for name in _TRACE if name in names), None)
        readings = trace_id_readings(trace) if isinstance(trace, (str, int)) else ()
        if readings:
            span = next((held[names[name]] for name in _SPAN if name in names), None)
            return LogRecord(partial(_with_span, record.content, span_keys_of(span)), readings)
    trace, span = ids_in(message[:_LONGEST])
    if not trace:
        return record
    ids = [one for one in (trace, span) if len(one) >= _MIN_ID]
    content = partial(_with_span, record.content, span_keys_of(span) if span else (), ids)
    return LogRecord(content, other_ids=trace_id_readings(trace))


def json_object_in(text: str) -> dict[str, Any] | None:
    """Decode a text that is a JSON object; None for any other."""
    if text[:1] != "{" or text.rstrip()[-1:] != "}":
        return None
    value = lenient_json.container_in(text)
    return value if isinstance(value, dict) else None


def _objects(fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects within a record, the outer ones first."""
    waiting: list[Any] = [fields]
    at = 0
    while at < len(waiting) < _MAX_VALUES:
        value = waiting[at]
        at += 1
        if isinstance(value, dict):
            yield value
            inner = [item for key, item in value.items() if not key.lower().startswith(_OF_OTHERS)]
        else:
            inner = value
        waiting += [item for item in inner if isinstance(item, (dict, list))]


def _with_span(content: Callable[[], LogContent], keys: tuple[int, ...], ids: list[str] | None = None) -> LogContent:
    found = content()
    found.span_keys = found.span_keys or keys
    if ids:
        short = without_ids(found.message, ids)
        if short != found.message:
            found.attributes = {**found.attributes, ORIGINAL: found.message}
            found.message = short
    return found
