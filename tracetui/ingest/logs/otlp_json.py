"""OTLP logs as JSON: requests and files of the collector's file exporter, in any spelling of the keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

from tracetui.ingest.formats.field_names import field
from tracetui.ingest.formats.item_lists import objects_of
from tracetui.ingest.formats.numbers import moment_ns
from tracetui.ingest.formats.otlp_values import any_value, attributes_of, id_of, text_of
from tracetui.ingest.logs.deep_search import with_ids
from tracetui.ingest.logs.fields import FieldReader
from tracetui.ingest.logs.ids import span_keys_of, trace_id_readings
from tracetui.ingest.logs.json_lines import decoded
from tracetui.ingest.logs.record import LogContent, LogRecord
from tracetui.ingest.logs.severity import severity_of
from tracetui.ingest.logs.timestamps import Moment
from tracetui.model.span import Value
from tracetui.model.times import MAX_START_NS
from tracetui.model.trace_reference import may_name_trace

_READER: Final = FieldReader()


class OtlpJson:
    """Form with one request of OTLP logs per JSON object."""

    name = "OTLP JSON"

    def recognises(self, unit: bytes) -> bool:
        # the ends of resourceLogs and logRecords in any spelling; old writers used `logs` instead of logRecords
        return unit[:1] == b"{" and (b"ogRecords" in unit or b"esourceLogs" in unit or b"og_records" in unit)

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        request = decoded(unit)
        if not isinstance(request, dict):
            return None
        resources = field(request, "resourceLogs")
        if resources is None and (field(request, "scopeLogs") is not None or field(request, "logRecords") is not None):
            # a line may hold the logs of one resource or scope
            return _of_resources([request])
        return None if resources is None else _of_resources(objects_of(resources))


def _of_resources(resources: list[dict[str, Any]]) -> Iterator[LogRecord]:
    for resource in resources:
        shared = attributes_of(field(field(resource, "resource") or {}, "attributes"))
        service = shared.get("service.name")
        scopes = objects_of(field(resource, "scopeLogs", "instrumentationLibraryLogs"))
        for scope in scopes or ([resource] if field(resource, "logRecords") is not None else []):
            named = field(scope, "scope", "instrumentationLibrary")
            logger = text_of(field(named, "name")) if isinstance(named, dict) else ""
            for record in objects_of(field(scope, "logRecords", "logs")):
                trace = id_of(field(record, "traceId"), 32)
                found = LogRecord(partial(_content, record, service, logger), trace_id_readings(trace))
                yield found if found.trace_ids else _with_ids(found, record)


def _with_ids(found: LogRecord, record: dict[str, Any]) -> LogRecord:
    """Complete a record that has its ids among the attributes or in its body."""
    value = any_value(field(record, "body"))
    body = as_message(value)
    attributes = dict(attributes_of(field(record, "attributes")))
    if isinstance(value, dict):
        attributes["body"] = value
    if not attributes and not may_name_trace(body.encode("utf-8", "replace")):
        return found
    return with_ids(found, attributes, body, _READER)


def _content(record: dict[str, Any], service: Value, logger: str) -> LogContent:
    body = any_value(field(record, "body"))
    text = text_of(field(record, "severityText"))
    number = severity_of("severitynumber", _number(field(record, "severityNumber"))) or severity_of(
        "severity_text", text
    )
    attributes = origin(service, logger) | attributes_of(field(record, "attributes"))
    return LogContent(
        message=as_message(body) or text_of(field(record, "eventName")),
        moment=moment(moment_ns(field(record, "timeUnixNano")), moment_ns(field(record, "observedTimeUnixNano"))),
        span_keys=span_keys_of(id_of(field(record, "spanId"), 16)),
        severity=number,
        severity_text=text,
        attributes=attributes,
    )


def _number(value: Any) -> Any:
    """Return a severity number, or the end of a constant's name such as SEVERITY_NUMBER_WARN2."""
    return value.removeprefix("SEVERITY_NUMBER_") if isinstance(value, str) else value


def origin(service: Value, logger: str) -> dict[str, Value]:
    """Describe the resource and logger of a record as attributes."""
    found: dict[str, Value] = {"service.name": service} if service else {}
    return found | {"otel.scope.name": logger} if logger else found


def as_message(body: Value) -> str:
    """Convert the body of a record to text."""
    if isinstance(body, dict) and isinstance(body.get("message", body.get("msg")), str):
        return str(body.get("message", body.get("msg")))
    if body is None or isinstance(body, str):
        return body or ""
    return body.hex() if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False, default=str)


def moment(time: int | None, observed: int | None) -> Moment | None:
    """Return the time of a record; without one (0), the time when it was observed."""
    return next((Moment(ns) for ns in (time, observed) if ns and 0 < ns < MAX_START_NS), None)
