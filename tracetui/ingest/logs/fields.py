"""Meaning of the named fields of log records (JSON, logfmt) across loggers.

Covers the fields of the Elastic Common Schema, OpenTelemetry, zap, zerolog, logrus, slog, Pino, Bunyan, Winston,
Log4j, Logback, Serilog, structlog, Monolog, GELF, and the log entries of Google Cloud, AWS and Application Insights.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tracetui.ingest.formats.otlp_values import any_value, attributes_of
from tracetui.ingest.logs.ids import span_keys_of, trace_id_readings
from tracetui.ingest.logs.record import LogContent, LogRecord
from tracetui.ingest.logs.severity import severity_of
from tracetui.ingest.logs.timestamps import Moment, read_moment
from tracetui.model.span import Value

_TRACE: Final = (
    "trace_id", "traceid", "trace.id", "oteltraceid", "otel.trace_id", "otel_trace_id", "dd.trace_id", "dd_trace_id",
    "@tr", "logging.googleapis.com/trace", "traceparent", "x_b3_traceid", "b3", "uber_trace_id", "xray_trace_id",
    "xraytraceid", "x_amzn_trace_id", "aws_xray_trace_id", "x_cloud_trace_context", "trace", "operation_id",
    "operationid",
)  # fmt: skip
_SPAN: Final = (
    "span_id", "spanid", "span.id", "otelspanid", "otel.span_id", "otel_span_id", "dd.span_id", "dd_span_id", "@sp",
    "logging.googleapis.com/spanid", "x_b3_spanid", "operation_parentid", "transaction.id", "traceparent", "b3",
    "uber_trace_id", "x_amzn_trace_id", "span", "parentid",
)  # fmt: skip
_TIME: Final = (
    "timestamp", "time", "ts", "@timestamp", "timeunixnano", "time_unix_nano", "datetime", "@t", "t", "instant",
    "timemillis", "asctime", "eventtime", "event_time", "log_timestamp", "timegenerated", "timestampseconds",
    "receivetimestamp", "observedtimeunixnano", "observed_timestamp", "realtime_timestamp", "created", "date",
    "start_time", "starttime", "startutc", "dt",
)  # fmt: skip
_MESSAGE: Final = (
    "message", "msg", "@m", "body", "renderedmessage", "rendered_message", "@mt", "messagetemplate", "short_message",
    "textpayload", "event", "log", "text", "line", "content", "value", "request",
)  # fmt: skip
_MESSAGES: Final = frozenset(_MESSAGE) - {"event", "value", "request"} | {"raw", "logmessage", "logentry"}
_SEVERITY: Final = (
    "severity_text", "severitytext", "levelname", "level_name", "log.level", "@l", "level", "severity", "loglevel",
    "lvl", "severitynumber", "severity_number", "levelno", "severitylevel", "priority",
)  # fmt: skip
_NESTED: Final = (
    "attributes", "context", "trace", "otel", "dd", "fields", "extra", "mdc", "contextmap", "properties", "labels",
    "span", "log", "jsonpayload", "customdimensions", "source", "record",
)  # fmt: skip
"""Objects within a record that may contain ids; all names here are as `plain_key` returns them."""
_LAST_PARTS: Final = {"trace": frozenset(("trace_id", "traceid")), "span": frozenset(("span_id", "spanid"))}
_OF_TABLES: Final = ("trace.id", "operation_id", "operationid")
_SNOWFLAKE: Final = {"trace", "record_type"}
_OF_SPANS: Final = (b"esourceSpans", b"scopeSpans", b"operationName", b"parentSpanId", b"localEndpoint")
_DECIMAL: Final = ("dd.", "dd_")
_STATUSES: Final = frozenset(
    ("emergency", "alert", "critical", "error", "warning", "warn", "notice", "info", "debug", "trace")
)
_REQUEST: Final = (
    ("method", "request_method", "requestmethod"),
    ("path", "request_path", "requestpath", "uri", "request_uri", "url"),
    ("status", "response_code", "status_code", "downstreamstatus"),
)
_MAX_SHAPES: Final = 1_000

_Key = tuple[str, str, str]
"""Path of a field: the object within the record, '' for the record itself; the field; its plain name."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """For each property, the fields of records with the same keys that may hold it, in the order of the checks."""

    trace: tuple[_Key, ...]
    span: tuple[_Key, ...]
    time: tuple[_Key, ...]
    nanos: tuple[_Key, ...]
    message: tuple[_Key, ...]
    severity: tuple[_Key, ...]
    others: tuple[str, ...]
    """Keys of the record itself that hold no id, time or severity."""


class FieldReader:
    """Reads records of named fields. Each set of keys is analysed once: a logger writes few different ones."""

    def __init__(self) -> None:
        self._shapes: dict[Any, _Shape] = {}
        self._nested: dict[tuple[str, ...], tuple[str, ...]] = {}

    def record(self, fields: dict[str, Any], text: str = "") -> LogRecord:
        """Read a record of these fields; `text` is its message if no field holds one."""
        shape = self._shape(fields)
        content = partial(_content, fields, shape, text)
        for key in shape.trace:
            name, value = _first(fields, (key,))
            readings = trace_id_readings(value, decimal=name.startswith(_DECIMAL)) if name else ()
            if readings:
                return LogRecord(content, readings)
        return LogRecord(content)

    def message(self, fields: dict[str, Any]) -> str:
        """Return the message of a record; '' if it has none."""
        name, value = _first(fields, self._shape(fields).message)
        return _text(value) if name else ""

    def _shape(self, fields: dict[str, Any]) -> _Shape:
        own = tuple(fields)
        if len(self._shapes) + len(self._nested) > _MAX_SHAPES:
            self._shapes.clear()
            self._nested.clear()
        nested = self._nested.get(own)
        if nested is None:
            nested = self._nested[own] = tuple(key for key in own if plain_key(key) in _NESTED)
        within = tuple((key, tuple(fields[key])) for key in nested if isinstance(fields[key], dict)) if nested else ()
        shape = self._shapes.get((own, within))
        if shape is None:
            shape = self._shapes[own, within] = _shape_of(own, within)
        return shape


def holds_spans(text: bytes) -> bool:
    """Test whether a text seems to hold spans, not log records."""
    return any(name in text for name in _OF_SPANS)


def is_message(name: str) -> bool:
    """Test whether this is a usual name of a message, as `plain_key` writes it."""
    return name in _MESSAGES


def names_trace(keys: Iterable[str]) -> bool:
    """Test whether one of these keys is a usual name for a trace id."""
    names = set(map(plain_key, keys))
    return any(_is_named(name, _LAST_PARTS["trace"]) or name in _OF_TABLES for name in names) or names >= _SNOWFLAKE


def _shape_of(own: tuple[str, ...], within: tuple[tuple[str, tuple[str, ...]], ...]) -> _Shape:
    """Find the fields of a record, then those of objects within it, both as `id` and as `trace.id`."""
    parts: list[list[_Key]] = [[("", key, plain_key(key)) for key in own]]
    for outer, inner in sorted(within, key=lambda one: _NESTED.index(plain_key(one[0]))):
        names: list[_Key] = [(outer, key, plain_key(key)) for key in inner]
        parts.append([*names, *((outer, key, f"{plain_key(outer)}.{name}") for _, key, name in names)])

    def found(wanted: Sequence[str], last: frozenset[str] = frozenset()) -> tuple[_Key, ...]:
        keys = [key for part in parts for one in wanted for key in part if key[2] == one]
        # such as attributes.trace_id or contextMap.traceId
        return (*keys, *(key for part in parts for key in part if _is_named(key[2], last) and key not in keys))

    ids_and_times = (
        found(_TRACE, _LAST_PARTS["trace"]),
        found(_SPAN, _LAST_PARTS["span"]),
        found(_TIME),
        found(("timestampnanos",)),
    )
    severity = found(_SEVERITY)
    used = {key for keys in (*ids_and_times, severity) for outer, key, _ in keys if not outer}
    return _Shape(*ids_and_times, found(_MESSAGE), severity, tuple(key for key in own if key not in used))


def _is_named(name: str, last: frozenset[str]) -> bool:
    before, _, part = name.rpartition(".")
    return part in last and not before.startswith(("parent", "link"))


def plain_key(key: str) -> str:
    """Convert a key to the spelling of the names above."""
    return key.lower().replace("-", "_").lstrip("_")


def _first(fields: dict[str, Any], keys: Iterable[_Key]) -> tuple[str, Any]:
    """Return the plain name and the value of the first of these fields that is not empty."""
    for outer, key, name in keys:
        value = fields[outer][key] if outer else fields[key]
        if isinstance(value, list) and len(value) == 1:
            # Kibana's hits wrap each field in a list
            value = value[0]
        if isinstance(value, dict) and isinstance(value.get("stringValue"), str):
            value = value["stringValue"]
        if value is not None and value != "":
            return name, value
    return "", None


def _content(fields: dict[str, Any], shape: _Shape, text: str) -> LogContent:
    message_name, message = _first(fields, shape.message)
    severity_name, severity = _first(fields, shape.severity)
    if isinstance(severity, dict):
        # OpenSearch's simple schema
        severity = severity.get("text") or severity.get("number")
    if not severity_name:
        severity_name, severity = _status(fields)
    used = [key for outer, key, name in shape.message if not outer and name == message_name and message_name]
    number = severity_of(severity_name, severity)
    return LogContent(
        message=_text(message) if message_name else text or _request(fields),
        moment=_moment(fields, shape),
        span_keys=_span_keys(fields, shape),
        severity=number,
        severity_text=severity if isinstance(severity, str) and not severity.isdecimal() else "",
        attributes={key: _value(fields[key]) for key in shape.others if key not in used},
    )


def _status(fields: dict[str, Any]) -> tuple[str, Any]:
    """Return the severity that Datadog calls a status; other programs have results or HTTP statuses there."""
    value = fields.get("status")
    return ("status", value) if isinstance(value, str) and value.lower() in _STATUSES else ("", None)


def _request(fields: dict[str, Any]) -> str:
    """Describe the request of a line of an access log: `GET /x 500`."""
    plain = {plain_key(key): value for key, value in fields.items()}
    found = [next((str(plain[name]) for name in names if plain.get(name) not in (None, "")), "") for names in _REQUEST]
    return " ".join(filter(None, found)) if sum(map(bool, found)) > 1 else ""


def _span_keys(fields: dict[str, Any], shape: _Shape) -> tuple[int, ...]:
    for key in shape.span:
        name, value = _first(fields, (key,))
        keys = span_keys_of(value, decimal=name.startswith(_DECIMAL)) if name else ()
        if keys:
            return keys
    return ()


def _moment(fields: dict[str, Any], shape: _Shape) -> Moment | None:
    for key in shape.time:
        name, value = _first(fields, (key,))
        moment = read_moment(value) if name else None
        if moment is not None:
            nanos = _first(fields, shape.nanos)[1] if name == "timestampseconds" else None
            return (
                Moment(moment.ns + nanos, moment.missing) if isinstance(nanos, int) and 0 <= nanos < 10**9 else moment
            )
    return None


def _text(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"Type", "Value"}:
        # Go's stdoutlog
        value = value["Value"]
    if isinstance(value, dict) and value.keys() == {"text"}:
        # Elasticsearch's documents of OpenTelemetry
        value = value["text"]
    if isinstance(value, dict) and len(value) == 1:
        value = any_value(value) or value
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _value(value: Any) -> Value:
    """Convert an attribute value; OTLP's lists of pairs become an object."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and "key" in item for item in value):
        return attributes_of(value) or value
    found: Value = value
    return found
