"""Output of the console exporter of OpenTelemetry's .NET SDK (`ConsoleActivityExporter`).

A span is a block of lines `Activity.TraceId: ...` that ends with a blank one. Tags are lines `key: value` below a
heading; a value may span several lines. Versions before 1.0 had `Activity.Id` and `Activity.ParentId` in W3C's form
instead of the ids, and until 1.9 the scope's name was `Activity.ActivitySourceName`. The source is
opentelemetry-dotnet's `ConsoleActivityExporter`.
"""

from __future__ import annotations

import re
from typing import Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.format import Lines, TextFormat
from tracetui.ingest.formats.numbers import moment_ns
from tracetui.ingest.formats.plain_span import SERVICE, PlainSpan, SpanSink, real_id
from tracetui.ingest.formats.printed_values import printed_value
from tracetui.model.span import Event, Link, Value

_FIELD: Final = re.compile(r"(?:Activity\.|\s+Activity\.(?=StatusDescription))(\w+):\s*(.*)")
"""Field of a span. Before 1.6 the description of the status was a tag and is indented."""
_STATUS: Final = re.compile(r"\s*StatusCode\s*:\s*(.*)")
_HEADING: Final = re.compile(r"(Resource associated with Activity|Instrumentation scope \(ActivitySource\)):\s*(.*)")
_TAG: Final = re.compile(r"(\s+)([^\s:][^:]*?): ?(.*)")
_EVENT: Final = re.compile(r"(\s+)(\S.*) \[(.*)\]\s*")
_LINK: Final = re.compile(r"\s+([0-9a-f]{32}) ([0-9a-f]{16})\s*")
_W3C: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_LENGTH: Final = re.compile(r"(-?)(?:(\d+)\.)?(\d+):(\d\d):(\d\d)(?:\.(\d{1,7}))?")
_MAX_LINES: Final = 100_000
_MAX_BLANK: Final = 1_000


def _read(match: re.Match[bytes], lines: Lines, context: DecodeContext, sink: SpanSink) -> None:
    block = _Block(len(match["dotnet_indent"]))
    for _ in range(_MAX_LINES):
        raw = lines.line
        if raw is None:
            break
        line = block.text(raw)
        if not line.strip():
            if block.at == "resource" or not _continues(lines, block):
                break
            block.add_blank()
        elif block.begins_another(line):
            break
        else:
            block.add(line)
        lines.advance()
    span = block.span()
    if span.name:
        sink.add(span, context)
    else:
        context.warn("skipped: a span in .NET's console output is cut off before its name")


def _continues(lines: Lines, block: _Block) -> bool:
    """Test whether a block continues after a blank line, because that is part of a value."""
    ahead = lines.copy()
    for _ in range(_MAX_BLANK):
        ahead.advance()
        if ahead.line is None:
            return False
        line = block.text(ahead.line)
        if block.begins_another(line):
            return False
        if _HEADING.match(line):
            return True
    return False


class _Block:
    """Lines of one span, sorted by section."""

    def __init__(self, indent: int) -> None:
        self.indent = indent
        self.at = ""
        self.fields: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.scope: dict[str, str] = {}
        self.resource: dict[str, str] = {}
        self.events: list[tuple[str, str, dict[str, str]]] = []
        self.links: list[tuple[str, str, dict[str, str]]] = []
        self._last: tuple[dict[str, str], str] | None = None

    def text(self, line: bytes) -> str:
        """Return a line without the indentation of the block."""
        return line.decode("utf-8", "replace")[self.indent :].rstrip("\r")

    def begins_another(self, line: str) -> bool:
        """Test whether a line is a field that this span already has."""
        found = _FIELD.match(line)
        return bool(found and found[1] in self.fields)

    def add(self, line: str) -> None:
        if found := _FIELD.match(line):
            self._heading(found[1], found[2])
        elif (found := _STATUS.fullmatch(line)) and self.at not in ("resource", "scope"):
            self._keep(self.fields, "StatusCode", found[1])
        elif found := _HEADING.match(line):
            self.at = "resource" if found[1][0] == "R" else "scope"
            self._last = None
            if found[2]:
                self.scope["Name"] = found[2]
        elif self.at == "events" and (found := _EVENT.fullmatch(line)) and len(found[1].expandtabs(4)) <= 4:
            self.events.append((found[2], found[3], {}))
        elif self.at == "links" and (found := _LINK.fullmatch(line)):
            self.links.append((found[1], found[2], {}))
        elif (found := _TAG.fullmatch(line)) and (held := self._held()) is not None:
            self._keep(held, found[2], found[3])
        elif self._last is not None:
            # a value with line breaks
            held, key = self._last
            held[key] += f"\n{line}"

    def add_blank(self) -> None:
        """Add a blank line to the current value."""
        if self._last is not None:
            held, key = self._last
            held[key] += "\n"

    def _heading(self, name: str, value: str) -> None:
        self.at = {"Tags": "tags", "TagObjects": "tags", "Events": "events", "Links": "links"}.get(name, "")
        if self.at:
            self._last = None
        else:
            self._keep(self.fields, name, value.rstrip())

    def _held(self) -> dict[str, str] | None:
        match self.at:
            case "tags":
                return self.tags
            case "scope":
                return self.scope
            case "resource":
                return self.resource
            case "events":
                return self.events[-1][2] if self.events else None
            case "links":
                return self.links[-1][2] if self.links else None
            case _:
                return None

    def _keep(self, held: dict[str, str], key: str, value: str) -> None:
        held[key] = value
        self._last = held, key

    def span(self) -> PlainSpan:
        fields = self.fields
        own, parent = _W3C.match(fields.get("Id", "")), _W3C.match(fields.get("ParentId", ""))
        start_ns = moment_ns(fields.get("StartTime", fields.get("StartTimeUtc")))
        length = _length_ns(fields.get("Duration", ""))
        resource: dict[str, Value] = dict(_values(self.resource))
        if SERVICE in resource:
            resource[SERVICE] = self.resource[SERVICE]
        tags = _values(self.tags)
        status = fields.get("StatusCode") or tags.pop("otel.status_code", None)
        return PlainSpan(
            trace_id=real_id(fields.get("TraceId") or (own[1] if own else "")),
            span_id=real_id(fields.get("SpanId") or (own[2] if own else "")),
            parent_id=real_id(fields.get("ParentSpanId") or (parent[2] if parent else "")),
            name=fields.get("DisplayName", fields.get("OperationName", "")),
            kind=fields.get("Kind"),
            start_ns=start_ns,
            end_ns=None if start_ns is None or length is None else start_ns + length,
            status=status,
            message=fields.get("StatusDescription", ""),
            attributes=tags,
            resource=resource,
            scope_name=self.scope.get("Name", fields.get("ActivitySourceName", "")),
            scope_version=self.scope.get("Version", fields.get("ActivitySourceVersion", "")),
            events=[Event(_event_ns(time), name, _values(held)) for name, time, held in self.events],
            links=[Link(trace, span, "", _values(held)) for trace, span, held in self.links],
        )


def _values(held: dict[str, str]) -> dict[str, Value]:
    return {key: printed_value(value) for key, value in held.items()}


def _length_ns(text: str) -> int | None:
    """Read a `TimeSpan`: `[-][days.]hours:minutes:seconds[.fraction]`."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        return None
    sign, days, hours, minutes, seconds, fraction = found.groups()
    whole = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    length = whole * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))
    return -length if sign else length


def _event_ns(text: str) -> int:
    """Read a time in the format of .NET's invariant culture (`03/20/2026 09:46:40 +00:00`) or in ISO 8601."""
    moment = moment_ns(text)
    if moment is not None:
        return moment
    found = re.match(r"(\d\d?)/(\d\d?)/(\d{4}) (\d\d?):(\d\d):(\d\d)(?: ([AP]M))?(?: ([+-]\d\d:\d\d))?", text)
    if found is None:
        return 0
    month, day, year, hour, minute, second, half, zone = found.groups()
    hours = int(hour) % 12 + 12 * (half == "PM") if half else int(hour)
    iso = f"{year}-{int(month):02}-{int(day):02}T{hours:02}:{minute}:{second}{zone or 'Z'}"
    return moment_ns(iso) or 0


FORMAT: Final = TextFormat(
    name="output of OpenTelemetry's console exporter for .NET",
    hint=b"Activity.",
    begins=rb"^(?P<dotnet_indent>[ \t]*)Activity\.(?:TraceId:\s*[0-9a-f]{32}|Id:\s*00-[0-9a-f]{32}-[0-9a-f]{16}-)",
    read=_read,
    needs=(b"Activity.TraceId:", b"Activity.SpanId:"),
    signs=(b"Activity.DisplayName:", b"Activity.TraceId:"),
)
