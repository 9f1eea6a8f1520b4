"""OTLP spans as rows: one object per span that includes its resource, from SQL exports, notebooks and converters.

The columns are those of OTLP in any spelling, those of the collector's ClickHouse exporter (`otel_traces`) or of other
stores (Jaeger's ClickHouse tables, SigNoz, GreptimeDB, Quickwit, OpenObserve, Logfire, Honeycomb, Axiom), or a mixture.
Other columns with a dot in their names are attributes.

A map may be an object, a list of pairs, or a text with its JSON, or as Python and ClickHouse print it; events and links
may be lists of objects or one list per column (`Events.Timestamp`). A duration without a unit is in nanoseconds, as in
ClickHouse; the unit of a time is derived from its size, as data frames write milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import plain
from tracetui.ingest.formats.format import JsonFormat, TableFormat, key_sets, read_by
from tracetui.ingest.formats.item_lists import rows_of
from tracetui.ingest.formats.node_inspect import inspected
from tracetui.ingest.formats.numbers import length_ns, moment_ns, whole_number
from tracetui.ingest.formats.otlp_values import attributes_of, events_of, id_of, links_of, text_of
from tracetui.ingest.formats.plain_span import SERVICE, PlainSpan, SpanSink, real_id
from tracetui.ingest.json_member_limit import MAX_MEMBERS
from tracetui.ingest.json_repair import lenient_json
from tracetui.model.json_decoding import MalformedError
from tracetui.model.span import Event, Link, Value

_TRACE: Final = ("traceid", "tracetraceid")
_SPAN: Final = ("spanid", "tracespanid", "id")
_PARENT: Final = ("parentspanid", "parentid", "traceparentid", "referenceparentspanid")
_NAME: Final = ("spanname", "name", "operationname")
_STARTS: Final = {
    "starttimeunixnano": 1,
    "starttimenano": 1,
    "startunixnano": 1,
    "spanstarttimestampnanos": 1,
    "starttime": 0,
    "starttimestamp": 0,
    "timestamp": 0,
    "start": 0,
    "time": 0,
}
"""Names of the start time, and nanoseconds per unit; 0 if the unit depends on the size of the number."""
_ENDS: Final = {
    "endtimeunixnano": 1,
    "endtimenano": 1,
    "endunixnano": 1,
    "spanendtimestampnanos": 1,
    "endtime": 0,
    "endtimestamp": 0,
    "timestampend": 0,
    "end": 0,
}
_LENGTHS: Final = {
    "durationnano": 1,
    "durationnanos": 1,
    "durationns": 1,
    "durationinnanos": 1,
    "durationus": 1_000,
    "durationmicros": 1_000,
    "durationms": 1_000_000,
    "durationmillis": 1_000_000,
    "durationseconds": 1_000_000_000,
    "spandurationmillis": 1_000_000,
    "duration": 1,
}
_RECORD_KINDS: Final = ("span", "pending_span", "log", "span_event")
"""Kinds of records, which Logfire has instead of kinds of spans."""
_CODES: Final = ("statuscode", "spanstatuscode", "otelstatuscode")
_MESSAGES: Final = (
    *("statusmessage", "statusdescription", "spanstatusmessage", "otelstatusmessage"),
    *("exceptionmessage", "errormessage"),
)
_PREFIX: Final = re.compile(
    r"(?P<resource>resource[._]?)?(?:span[._]?)?(?:"
    r"(?:bool|double|int|str|complex)_attributes\.(?:(?P<pairs>key$)|value$)|attributes\.(?P<name>.+))",
    re.IGNORECASE,
)
"""Beginning of the name of a column that holds an attribute."""
_PARTS: Final = ("events.", "links.", "scope", "instrumentation", "status.", "trace.")
"""Prefixes of column names that contain a dot but are not attributes."""
_UNITS: Final = ((10**17, 1), (10**14, 1_000), (10**11, 1_000_000), (10**8, 1_000_000_000))
"""Smallest values of a time since 1973 in nanoseconds, microseconds, milliseconds and seconds."""


def _read_any(value: dict[str, Any], context: DecodeContext, sink: SpanSink) -> None:
    """Read a row, or a table as one list or numbered object for each column."""
    held = [cells for key, cells in value.items() if plain(key) in _TRACE and isinstance(cells, (list, dict))]
    for row in rows_of(_columns(value)) if held else (value,):
        _read(row, context, sink)


def _columns(value: dict[str, Any]) -> dict[str, Any]:
    """Return the columns as lists of one length; the ends of columns with many small cells may have been dropped."""
    columns = {key: list(cells.values()) if isinstance(cells, dict) else cells for key, cells in value.items()}
    lengths = [len(cells) for cells in columns.values() if isinstance(cells, list)]
    if len(lengths) < len(columns) or max(lengths) <= MAX_MEMBERS:
        return columns
    return {key: cells[: min(lengths)] for key, cells in columns.items()}


def _read(value: dict[str, Any], context: DecodeContext, sink: SpanSink) -> None:
    sink.add(_span(value), context)


def _span(value: Mapping[str, Any]) -> PlainSpan:
    row = {plain(key): item for key, item in value.items() if item is not None}
    start_ns, end_ns = _first_time(row, _STARTS), _first_time(row, _ENDS)
    if end_ns is None and start_ns is not None:
        length = next((_length(row[name], unit) for name, unit in _LENGTHS.items() if name in row), None)
        end_ns = None if length is None else start_ns + length
    resource = _map(_first(row, ("resourceattributes", "resource")))
    service = _first(row, ("servicename", "service"))
    if service is not None and not resource.get(SERVICE):
        resource[SERVICE] = text_of(service)
    scope = _map(_first(row, ("scope", "instrumentationscope", "instrumentationlibrary")))
    code, message = _status(row)
    kind = _first(row, ("spankind", "kind", "kindstring"))
    own, outer = _dotted(value)
    return PlainSpan(
        trace_id=real_id(id_of(_first(row, _TRACE), 32)),
        span_id=real_id(id_of(_first(row, _SPAN), 16)),
        parent_id=real_id(id_of(_first(row, _PARENT), 16)),
        name=text_of(_first(row, _NAME)),
        kind=None if kind in _RECORD_KINDS else kind,
        start_ns=start_ns,
        end_ns=end_ns,
        status=code,
        message=message,
        attributes=own | _attributes(row),
        resource=outer | resource,
        scope_name=text_of(_first(row, ("scopename",)) or scope.get("name")),
        scope_version=text_of(_first(row, ("scopeversion",)) or scope.get("version")),
        events=_events(row),
        links=_links(row),
        dropped=(_count(row, "attributes"), _count(row, "events"), _count(row, "links")),
    )


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if name in row), None)


def _first_time(row: Mapping[str, Any], names: Mapping[str, int]) -> int | None:
    for name, unit in names.items():
        if name in row and (moment := _moment(row[name], unit)) is not None:
            return moment
    return None


def _moment(value: Any, unit: int) -> int | None:
    number = None if unit else whole_number(value)
    if number is None:
        return moment_ns(value, unit or 1)
    return moment_ns(value, next((ns for smallest, ns in _UNITS if abs(number) >= smallest), 1))


def _length(value: Any, unit: int) -> int | None:
    return length_ns(value, unit)


def _map(value: Any) -> dict[str, Value]:
    """Read a map without its null members, or the attributes of a message that contains them."""
    if isinstance(value, str):
        value = _container_in(value)
    if isinstance(value, dict) and isinstance(value.get("attributes"), (dict, list)):
        value = value["attributes"]
    return {key: item for key, item in attributes_of(value).items() if item is not None}


def _attributes(row: Mapping[str, Any]) -> dict[str, Value]:
    """Collect the attributes; Datadog has texts in `meta` and numbers in `metrics`."""
    found = _map(_first(row, ("spanattributes", "attributes")))
    return _map(row["meta"]) | _map(row.get("metrics")) | found if "meta" in row else found


def _status(row: Mapping[str, Any]) -> tuple[Any, str]:
    status = _first(row, ("status", "spanstatus"))
    if isinstance(status, str) and status.lstrip()[:1] == "{":
        status = _container_in(status)
    held = {plain(key): item for key, item in status.items()} if isinstance(status, dict) else {}
    code = _first(held, ("code", "statuscode"))
    if not isinstance(status, dict):
        code = _first(row, _CODES) if status is None else status
    if code is None and next((row[name] for name in ("error", "haserror") if name in row), None) in (True, 1, "true"):
        code = "ERROR"
    message = _first(held, ("message", "description")) or _first(row, _MESSAGES)
    return code, text_of(message)


def _dotted(value: Mapping[str, Any]) -> tuple[dict[str, Value], dict[str, Value]]:
    """Collect the attributes in columns of their own: of the span, of its resource."""
    own: dict[str, Value] = {}
    resource: dict[str, Value] = {}
    for name, cell in value.items():
        if "." not in name or cell is None:
            continue
        found = _PREFIX.match(name)
        where = resource if found and found["resource"] else own
        if found and found["pairs"]:
            # Jaeger's tables have a list of keys and one of values for each type
            values = value.get(f"{name[: -len('key')]}value")
            where |= dict(zip(map(str, _list(cell)), _list(values), strict=False))
        elif found and found["name"]:
            where[found["name"]] = cell
        elif plain(name) not in _NAMED and not name.lower().startswith(_PARTS):
            own[name] = cell
    return own, resource


def _events(row: Mapping[str, Any]) -> list[Event]:
    if "events" in row:
        return events_of(row["events"])
    times, names, attributes = (_list(row.get(f"events{name}")) for name in ("timestamp", "name", "attributes"))
    return [
        Event(_moment(time, 0) or 0, text_of(_at(names, i)), _map(_at(attributes, i))) for i, time in enumerate(times)
    ]


def _links(row: Mapping[str, Any]) -> list[Link]:
    if "links" in row:
        return links_of(row["links"])
    traces, spans, attributes = (_list(row.get(f"links{name}")) for name in ("traceid", "spanid", "attributes"))
    return [
        Link(id_of(trace, 32), id_of(_at(spans, i), 16), "", _map(_at(attributes, i))) for i, trace in enumerate(traces)
    ]


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        value = _container_in(value)
    return value if isinstance(value, list) else []


def _container_in(text: str) -> Any:
    """The object or list that a text is, in JSON or in the notation of Python and ClickHouse; None for other texts."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    value = lenient_json.container_in(text)
    if value is None:
        try:
            value = inspected(text).value
        except MalformedError:
            return None
    return value


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None


def _count(row: Mapping[str, Any], what: str) -> int:
    return whole_number(row.get(f"dropped{what}count")) or 0


_NAMED: Final = frozenset(
    (*_TRACE, *_SPAN, *_PARENT, *_NAME, *_STARTS, *_ENDS, *_LENGTHS, *_CODES, "servicename", "spankind")
)
_SERVICES: Final = ("service_name", "service")
_TIMES: Final = (
    "start_time_unix_nano",
    "start_time_nano",
    "start_unix_nano",
    "start_time",
    "start_timestamp",
    "span_start_timestamp_nanos",
    "start end",
    "start duration",
)

_SPELLINGS: Final = key_sets(
    *(f"trace_id span_id {name} {times}" for times in _TIMES for name in ("name", "span_name")),
    # access logs have a name and a duration, too
    "trace_id span_id span_name timestamp duration",
    "trace_id span_id name kind timestamp duration",
    "trace_id span_id name parent_span_id timestamp duration",
    *(f"trace_id span_id {name} timestamp duration_nano" for name in ("name", "span_name")),
    "trace_id id parent_span_id name start_time duration",
    "trace.trace_id trace.span_id name duration_ms",
    "trace_id span_id parent_span_id name time duration",
)


_MISSING: Final = frozenset(("", "NULL", "null", "<null>", "None", "nan", "NaN"))
"""Cells without a value, as databases and data frames write them."""


def _decode_table(header: Sequence[str], rows: Sequence[Sequence[Any]], context: DecodeContext, sink: SpanSink) -> None:
    """Decode rows of a table; an empty cell holds nothing."""
    spans = [_span(_known(zip(header, row, strict=True))) for row in rows]
    for span in spans:
        sink.add(span, context)


def _known(cells: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: None if isinstance(cell, str) and cell in _MISSING else cell for name, cell in cells}


def read_cells(row: Mapping[str, str], context: DecodeContext, sink: SpanSink) -> bool:
    """Read a row of texts. -> False if its columns are not those of spans"""
    if not TABLE_FORMAT.recognises(tuple(row)):
        return False
    _read(_known(row.items()), context, sink)
    return True


_WITH_OPERATION: Final = key_sets(
    *(f"trace_id span_id operation_name {service} {times}" for times in _TIMES for service in _SERVICES)
)
"""Columns of tables only: objects with these are Jaeger's documents."""


FORMAT: Final = JsonFormat(
    name="rows of OTLP spans",
    decode=read_by(_read_any),
    spellings=_SPELLINGS,
    signs=key_sets(
        *("start_time_unix_nano", "end_time_unix_nano", "span_attributes", "resource_attributes"),
        "trace_id span_id span_name",
        "trace_id span_id parent_span_id name kind",
    ),
)
SIGNOZ: Final = JsonFormat(
    name="SigNoz's rows of spans",
    decode=read_by(_read),
    # Jaeger's documents have the same ids
    keys=key_sets("traceID spanID durationNano"),
    signs=key_sets("durationNano"),
)
OPENOBSERVE: Final = JsonFormat(
    name="OpenObserve's rows of spans",
    decode=read_by(_read),
    # Jaeger's documents have no end
    keys=key_sets("trace_id span_id operation_name start_time end_time"),
    signs=key_sets("reference_parent_span_id"),
)
TABLE_FORMAT: Final = TableFormat(
    name="a table of OTLP spans (CSV)",
    spellings=(
        *_SPELLINGS,
        *key_sets(*(f"trace_id span_id operation_name {service} {times}" for times in _TIMES for service in _SERVICES)),
    ),
    decode=_decode_table,
)
