"""Rows of Snowflake's event table, as JSON objects or CSV: a row per span, its events and logs in rows of their own.

Columns: docs.snowflake.com, "Event table columns". `RECORD` has what every span has, `RECORD_ATTRIBUTES` its
attributes, `TRACE` its ids. `TIMESTAMP` is the end of a span, or the time of an event. Times are in UTC. The events of
a span (`SPAN_EVENT`) follow it or precede it in the table; they have its ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.format import JsonFormat, TableFormat, key_sets, read_by
from tracetui.ingest.formats.numbers import moment_ns
from tracetui.ingest.formats.otlp_values import attributes_of, text_of
from tracetui.ingest.formats.plain_span import SERVICE, PlainSpan, SpanSink, real_id
from tracetui.ingest.json_repair import lenient_json
from tracetui.model.json_decoding import MalformedError
from tracetui.model.span import Event

_SERVICES: Final = (SERVICE, "snow.service.name", "snow.executable.name", "db.name", "snow.database.name")
"""Resource attributes that name what ran, the most specific first."""
_COLUMNS: Final = "RECORD_TYPE RECORD RECORD_ATTRIBUTES TRACE"


def _read(row: Mapping[str, Any], context: DecodeContext, sink: SpanSink) -> None:
    # some clients write the columns in lower case
    _add(_record({name.upper(): cell for name, cell in row.items()}), context, sink)


def _add(found: _TableRow, context: DecodeContext, sink: SpanSink) -> None:
    if found.span is not None:
        sink.hold(found.span, context)
    elif found.event is not None:
        sink.add_event(found.trace_id, found.span_id, found.event, context)
    elif found.is_log:
        context.without_spans.signals["logs"] = None


class _TableRow(NamedTuple):
    """Content of a row: a span, an event of a span, a log record, or none of these."""

    trace_id: str = ""
    span_id: str = ""
    span: PlainSpan | None = None
    event: Event | None = None
    is_log: bool = False


def _record(row: Mapping[str, Any]) -> _TableRow:
    what = text_of(row.get("RECORD_TYPE"))
    if what not in ("SPAN", "SPAN_EVENT"):
        return _TableRow(is_log=what == "LOG")
    record, trace = _object(row, "RECORD"), _object(row, "TRACE")
    if not trace:
        raise MalformedError("a span without TRACE")
    trace_id, span_id = real_id(trace.get("trace_id")), real_id(trace.get("span_id"))
    attributes = attributes_of(_object(row, "RECORD_ATTRIBUTES"))
    if what == "SPAN_EVENT":
        time_ns = moment_ns(row.get("TIMESTAMP")) or 0
        return _TableRow(trace_id, span_id, event=Event(time_ns, text_of(record.get("name")), attributes))
    resource = attributes_of(_object(row, "RESOURCE_ATTRIBUTES"))
    service = next((text_of(resource[name]) for name in _SERVICES if resource.get(name)), "")
    if service:
        # executables are written with their signature
        resource[SERVICE] = service.partition("(")[0]
    status = record.get("status")
    state = status if isinstance(status, dict) else {"code": status}
    scope = _object(row, "SCOPE")
    span = PlainSpan(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=real_id(record.get("parent_span_id")),
        name=text_of(record.get("name")),
        kind=record.get("kind"),
        start_ns=moment_ns(row.get("START_TIMESTAMP")),
        end_ns=moment_ns(row.get("TIMESTAMP")),
        status=state.get("code"),
        message=text_of(state.get("message")),
        attributes=attributes,
        resource=resource,
        scope_name=text_of(scope.get("name")),
    )
    return _TableRow(trace_id, span_id, span)


def _object(row: Mapping[str, Any], column: str) -> dict[str, Any]:
    """Return an object of a column, which may be written as a text."""
    value = row.get(column)
    if isinstance(value, str):
        value = lenient_json.container_in(value)
    return value if isinstance(value, dict) else {}


def _decode_table(header: Sequence[str], rows: Sequence[Sequence[Any]], context: DecodeContext, sink: SpanSink) -> None:
    for found in [_record(dict(zip(header, row, strict=True))) for row in rows]:
        _add(found, context, sink)


FORMAT: Final = JsonFormat(
    name="rows of Snowflake's event table",
    decode=read_by(_read),
    keys=key_sets(_COLUMNS, _COLUMNS.lower()),
    signs=key_sets("RECORD_TYPE RECORD", "RECORD_TYPE RECORD_ATTRIBUTES"),
)
TABLE_FORMAT: Final = TableFormat(
    name="Snowflake's event table (CSV)",
    columns=tuple(_COLUMNS.split()),
    decode=_decode_table,
)
