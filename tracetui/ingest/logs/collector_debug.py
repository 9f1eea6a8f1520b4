"""Logs in the output of the collector's `debug` exporter with the verbosity `detailed`.

A resource, its scopes and their records, a line per field. The source is the collector's
`exporter/internal/otlptext/logs.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from tracetui.ingest.formats.collector_debug import parse_value
from tracetui.ingest.formats.numbers import moment_ns
from tracetui.ingest.logs.ids import span_keys_of, trace_id_readings
from tracetui.ingest.logs.otlp_json import as_message, moment, origin
from tracetui.ingest.logs.record import LogContent, LogRecord
from tracetui.ingest.logs.severity import severity_of, severity_of_text
from tracetui.model.span import Value

_BEGINS: Final = re.compile(rb"(?:.*\s)?ResourceLogs? #\d+\s*$")
_ENDS: Final = re.compile(rb"[ \t]*\{|\d{4}-\d\d-\d\dT|(?:.*\s)?Resource(?:Spans|Metrics|Logs?) #\d+\s*$")
_RECORD: Final = re.compile(r"LogRecord #\d+")
_SCOPE: Final = re.compile(r"InstrumentationScope (\S*).*")
_FIELD: Final = re.compile(
    r"(ObservedTimestamp|Timestamp|SeverityText|SeverityNumber|Body|Trace ID|Span ID|EventName): ?(.*)"
)
_ARROW: Final = re.compile(r" +-> (.+?): ?(.*)")
_NUMBER: Final = re.compile(r".*\((\d+)\)")


class CollectorDebug:
    """Form with the records of a resource per unit."""

    name = "collector debug"

    def begins(self, line: bytes) -> bool:
        return b"ResourceLog" in line and _BEGINS.match(line) is not None

    def continues(self, lines: list[bytes], line: bytes) -> bool:  # noqa: ARG002
        return _ENDS.match(line) is None

    def recognises(self, unit: bytes) -> bool:
        return self.begins(unit.partition(b"\n")[0])

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        return _records(unit.decode("utf-8", "replace").split("\n"))


def _records(lines: list[str]) -> Iterator[LogRecord]:
    resource: dict[str, Value] = {}
    held, scope, last = resource, "", ""
    fields: dict[str, str] | None = None
    for line in lines:
        if _RECORD.match(line):
            if fields is not None:
                yield _record(fields, held, resource, scope)
            fields, held, last = {}, {}, ""
        elif found := _ARROW.match(line):
            held[found[1]] = parse_value(found[2])
        elif line.startswith("ScopeLogs #"):
            if fields is not None:
                yield _record(fields, held, resource, scope)
            fields, held, scope = None, {}, ""
        elif fields is None:
            scope = found[1] if (found := _SCOPE.match(line)) else scope
        elif found := _FIELD.match(line):
            last = found[1]
            fields[last] = found[2]
        elif last == "Body" and not line.startswith("Attributes:"):
            fields[last] += f"\n{line}"
        else:
            last = ""
    if fields is not None:
        yield _record(fields, held, resource, scope)


def _record(fields: dict[str, str], attributes: dict[str, Value], resource: dict[str, Value], scope: str) -> LogRecord:
    record = partial(_content, fields, attributes, resource.get("service.name"), scope)
    return LogRecord(record, trace_id_readings(fields.get("Trace ID")))


def _content(fields: dict[str, str], attributes: dict[str, Value], service: Value, scope: str) -> LogContent:
    number = _NUMBER.match(fields.get("SeverityNumber", ""))
    text = fields.get("SeverityText", "")
    return LogContent(
        message=as_message(parse_value(fields.get("Body", ""))) or fields.get("EventName", ""),
        moment=moment(moment_ns(fields.get("Timestamp")), moment_ns(fields.get("ObservedTimestamp"))),
        span_keys=span_keys_of(fields.get("Span ID")),
        severity=(severity_of("severitynumber", number[1]) if number else 0) or severity_of_text(text),
        severity_text=text,
        attributes=origin(service, scope) | attributes,
    )
