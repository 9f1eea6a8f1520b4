"""Log records of the crate `opentelemetry-stdout`: a block of lines `SeverityText: "ERROR"`, indented by a tab.

Source: opentelemetry-rust, `opentelemetry-stdout/src/logs/exporter.rs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Final

from tracetui.ingest.formats.rust_stdout import debug_value
from tracetui.ingest.logs.ids import span_keys_of, trace_id_readings
from tracetui.ingest.logs.otlp_json import as_message, origin
from tracetui.ingest.logs.record import LogContent, LogRecord
from tracetui.ingest.logs.severity import severity_of, severity_of_text
from tracetui.ingest.logs.timestamps import Moment, read_moment
from tracetui.model.span import Value

_BEGINS: Final = re.compile(rb"(?:Logs|Log #\d+)\s*$")
_CONTINUES: Final = re.compile(rb"[\t ]|(?:Resource|Log #\d+)\s*$")
_RECORD: Final = re.compile(r"Log #\d+\s*")
_FIELD: Final = re.compile(r"\s+([A-Z][\w ()]*?) *: ?(.*)")
_PAIR: Final = re.compile(r"\s+-> +(\S+?)(?:: |=)(.*)")


class RustStdout:
    """Form with a field per line, below a heading for each record; the resource comes before the first."""

    name = "Rust console"

    def begins(self, line: bytes) -> bool:
        return line.startswith(b"Log") and _BEGINS.match(line) is not None

    def continues(self, lines: list[bytes], line: bytes) -> bool:  # noqa: ARG002
        return _CONTINUES.match(line) is not None

    def recognises(self, unit: bytes) -> bool:
        return self.begins(unit.partition(b"\n")[0])

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        resource: dict[str, Value] = {}
        found: list[tuple[dict[str, Value], dict[str, Value]]] = []
        for line in unit.decode("utf-8", "replace").split("\n"):
            if _RECORD.fullmatch(line):
                found.append(({}, {}))
            elif pair := _PAIR.match(line):
                held = found[-1][1] if found else resource
                held[pair[1]] = debug_value(pair[2])
            elif found and (pair := _FIELD.match(line)):
                found[-1][0][pair[1].replace(" ", "").lower()] = debug_value(pair[2])
        if not found:
            return None
        service = resource.get("service.name")
        return [
            LogRecord(partial(_content, fields, attributes, service), trace_id_readings(fields.get("traceid")))
            for fields, attributes in found
        ]


def _content(fields: dict[str, Value], attributes: dict[str, Value], service: Value) -> LogContent:
    text, number = str(fields.get("severitytext") or ""), fields.get("severitynumber")
    return LogContent(
        message=as_message(fields.get("body")) or str(fields.get("eventname") or ""),
        moment=_moment(fields.get("timestamp")) or _moment(fields.get("observedtimestamp")),
        span_keys=span_keys_of(fields.get("spanid")),
        severity=severity_of_text(text) or severity_of("severitynumber", number),
        severity_text=text,
        attributes=origin(service, str(fields.get("instrumentationscope") or "")) | attributes,
    )


def _moment(value: Value) -> Moment | None:
    """Read a time, which is in UTC without a zone."""
    return read_moment(f"{value}Z") if isinstance(value, str) else None
