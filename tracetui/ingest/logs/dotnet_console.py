"""Records of .NET's console exporter for logs: a line per field, `LogRecord.TraceId:   ...`.

Source: opentelemetry-dotnet, `src/OpenTelemetry.Exporter.Console/ConsoleLogRecordExporter.cs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Final

from tracetui.ingest.logs.ids import span_keys_of, trace_id_readings
from tracetui.ingest.logs.otlp_json import origin
from tracetui.ingest.logs.record import LogContent, LogRecord
from tracetui.ingest.logs.severity import severity_of_text
from tracetui.ingest.logs.timestamps import read_moment
from tracetui.model.span import Value

_FIELD: Final = re.compile(r"LogRecord\.(\w+)(?: \(Key:Value\))?: *(.*)")
_PAIR: Final = re.compile(r"(?: {4}|\[Scope\.\d+\]:)?([^\s:][^:]*): ?(.*)")
_RESOURCE: Final = "Resource associated with LogRecord:"
_BEGINS: Final = b"LogRecord."
_CONTINUES: Final = re.compile(
    rb"LogRecord\.|[ \t]|\[Scope\.|Resource associated with LogRecord:|Schema URL: |[\w.]+: "
)
_MESSAGES: Final = ("FormattedMessage", "Body", "State", "OriginalFormat (a.k.a Body)", "{OriginalFormat}")
_LEVELS: Final = ("Severity", "SeverityText", "LogLevel")


class DotnetConsole:
    """Form with a field per line; the record ends where a field occurs again."""

    name = ".NET console"

    def begins(self, line: bytes) -> bool:
        return line.startswith(_BEGINS)

    def continues(self, lines: list[bytes], line: bytes) -> bool:
        if line.startswith(_BEGINS):
            field = line.partition(b":")[0] + b":"
            return not any(one.startswith(field) for one in lines)
        return _CONTINUES.match(line) is not None

    def recognises(self, unit: bytes) -> bool:
        return unit.startswith(_BEGINS)

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        fields: dict[str, str] = {}
        attributes: dict[str, Value] = {}
        resource: dict[str, Value] = {}
        held: dict[str, Value] = attributes
        last = ""
        for line in unit.decode("utf-8", "replace").split("\n"):
            if found := _FIELD.match(line):
                last = found[1]
                fields[last] = found[2].strip()
            elif line.strip() == _RESOURCE:
                held, last = resource, ""
            elif last == "Exception":
                fields[last] += f"\n{line}"
            elif found := _PAIR.match(line):
                held[found[1]] = found[2]
        if not fields:
            return None
        record = partial(_content, fields, attributes, resource)
        return (LogRecord(record, trace_id_readings(fields.get("TraceId"))),)


def _content(fields: dict[str, str], attributes: dict[str, Value], resource: dict[str, Value]) -> LogContent:
    level = next((fields[name] for name in _LEVELS if name in fields), "")
    message = next((str(held[name]) for held in (fields, attributes) for name in _MESSAGES if held.get(name)), "")
    if "Exception" in fields:
        attributes["exception.stacktrace"] = fields["Exception"]
    return LogContent(
        message=message or fields.get("EventName", ""),
        moment=read_moment(fields.get("Timestamp")) or read_moment(fields.get("ObservedTimestamp")),
        span_keys=span_keys_of(fields.get("SpanId")),
        severity=severity_of_text(level),
        severity_text=level,
        attributes=origin(resource.get("service.name"), fields.get("CategoryName", "")) | attributes,
    )
