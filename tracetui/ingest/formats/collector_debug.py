"""Output of the collector's `debug` exporter (until 2024 `logging`) with the verbosity `detailed`.

Blocks of lines: a resource, its scopes, their spans. A value is `Str(x)` or `Int(5)`; the older exporter wrote
`STRING(x)`. Only the first line has a log prefix. The source is the collector's `exporter/internal/otlptext`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.format import Lines, TextFormat
from tracetui.ingest.formats.numbers import moment_ns, whole_number
from tracetui.ingest.formats.plain_span import PlainSpan, SpanSink, real_id
from tracetui.ingest.json_repair import lenient_json
from tracetui.model.span import Event, Link, Value

_FIELD: Final = re.compile(
    r"    (Trace ID|Parent ID|ID|Name|Kind|TraceState|Start time|End time|Status code|Status message"
    r"|Dropped(?:Attributes|Events|Links)Count|Flags)\s*: ?(.*)"
)
_HEADING: Final = re.compile(
    r"(?P<what>(?:.*\s)?ResourceSpans|ScopeSpans|InstrumentationLibrarySpans|Span|SpanEvent|SpanLink) #\d+\s*"
)
_SECTION: Final = re.compile(
    r"(Resource attributes|Resource labels|InstrumentationScope attributes|Attributes|Events|Links):\s*"
)
_SCOPE: Final = re.compile(r"Instrumentation(?:Scope|Library)(?: (\S*) ?(.*))?")
_ARROW: Final = re.compile(r"( +)-> (.+?): ?(.*)")
_VALUE: Final = re.compile(r"([A-Za-z]+)\((.*)\)", re.DOTALL)
_SCHEMA: Final = re.compile(r"(?:Resource|ScopeSpans) SchemaURL:.*")
_MAX_LINES: Final = 1_000_000
_MAX_FOREIGN: Final = 3


def _read(_: re.Match[bytes], lines: Lines, context: DecodeContext, sink: SpanSink) -> None:
    block = _DebugBlock(context, sink)
    lines.advance()
    for _count in range(_MAX_LINES):
        raw = lines.line
        if raw is None:
            break
        line = raw.decode("utf-8", "replace").rstrip("\r")
        heading = _HEADING.fullmatch(line)
        if heading and heading["what"].endswith("ResourceSpans"):
            break
        if line.strip() and not block.add(line, heading) and not _continues(lines):
            break
        lines.advance()
    block.end_span()


def _continues(lines: Lines) -> bool:
    """Test whether a block continues after foreign lines."""
    ahead = lines.copy()
    for _ in range(_MAX_FOREIGN):
        ahead.advance()
        line = (ahead.line or b"").decode("utf-8", "replace").rstrip("\r")
        heading = _HEADING.fullmatch(line)
        if heading or _FIELD.fullmatch(line) or _ARROW.fullmatch(line):
            return not (heading and heading["what"].endswith("ResourceSpans"))
    return False


class _DebugBlock:
    """Reader for the lines of one resource."""

    def __init__(self, context: DecodeContext, sink: SpanSink) -> None:
        self._context = context
        self._sink = sink
        self._resource: dict[str, Value] = {}
        self._scope = "", ""
        self._fields: dict[str, str] | None = None
        self._attributes: dict[str, Value] = {}
        self._events: list[dict[str, Any]] = []
        self._links: list[dict[str, Any]] = []
        self._at = "resource"
        self._held: dict[str, Value] | None = None
        self._last = ""
        self._written = ""

    def add(self, line: str, heading: re.Match[str] | None) -> bool:
        """Add a line. -> False if it does not belong to a resource"""
        if heading is not None:
            self._begin(heading["what"])
        elif section := _SECTION.fullmatch(line):
            self._section(section[1])
        elif self._fields is not None and (found := _FIELD.fullmatch(line)):
            self._fields[found[1]] = found[2]
        elif found := _ARROW.fullmatch(line):
            self._arrow(len(found[1]), found[2], found[3])
        elif self._fields is None and (found := _SCOPE.fullmatch(line)):
            self._scope = found[1] or "", (found[2] or "").strip()
        elif _SCHEMA.fullmatch(line):
            return True
        elif self._held is not None and self._last and not self._written.endswith(")"):
            # a text with line breaks
            self._written += f"\n{line}"
            self._held[self._last] = parse_value(self._written)
        else:
            return False
        return True

    def _begin(self, what: str) -> None:
        self._held = None
        if what == "SpanEvent":
            self._at = "event"
            self._events.append({"attributes": {}})
        elif what == "SpanLink":
            self._at = "link"
            self._links.append({"attributes": {}})
        else:
            self.end_span()
            if what == "Span":
                self._fields, self._at = {}, "span"
            else:
                self._scope, self._at = ("", ""), "scope"

    def _section(self, what: str) -> None:
        self._last = ""
        if what.startswith("Resource"):
            self._held = self._resource
        elif what == "Attributes" and self._fields is not None:
            self._at, self._held = "span", self._attributes
        else:
            self._held = None

    def _arrow(self, indent: int, key: str, text: str) -> None:
        items = {"event": self._events, "link": self._links}.get(self._at)
        if not items:
            if self._held is not None:
                self._keep(self._held, key, text)
        elif key == "Attributes" and text in ("", ":"):
            self._held = items[-1]["attributes"]
        elif indent > _OUTER and self._held is not None:
            self._keep(self._held, key, text)
        else:
            items[-1][key] = text

    def _keep(self, held: dict[str, Value], key: str, text: str) -> None:
        self._last, self._written = key, text
        held[key] = parse_value(text)

    def end_span(self) -> None:
        """Pass the open span to the sink."""
        fields, self._fields = self._fields, None
        if fields:
            self._sink.add(
                PlainSpan(
                    trace_id=real_id(fields.get("Trace ID")),
                    span_id=real_id(fields.get("ID")),
                    parent_id=real_id(fields.get("Parent ID")),
                    name=fields.get("Name", ""),
                    kind=fields.get("Kind"),
                    start_ns=_time(fields.get("Start time")),
                    end_ns=_time(fields.get("End time")),
                    status=fields.get("Status code"),
                    message=fields.get("Status message", ""),
                    attributes=self._attributes,
                    resource=self._resource,
                    scope_name=self._scope[0],
                    scope_version=self._scope[1],
                    events=[
                        Event(_time(one.get("Timestamp")) or 0, one.get("Name", ""), one["attributes"])
                        for one in self._events
                    ],
                    dropped=(_count(fields, "Attributes"), _count(fields, "Events"), _count(fields, "Links")),
                    links=[
                        Link(real_id(one.get("Trace ID")), real_id(one.get("ID")), "", one["attributes"])
                        for one in self._links
                    ],
                ),
                self._context,
            )
        self._attributes, self._events, self._links = {}, [], []


_OUTER: Final = 5
"""Indentation of the fields of an event or a link; its attributes are indented more."""


def _time(text: str | None) -> int | None:
    moment = moment_ns(text)
    return moment if moment is not None and moment > 0 else None


def _count(fields: dict[str, str], what: str) -> int:
    return whole_number(fields.get(f"Dropped{what}Count")) or 0


def parse_value(text: str) -> Value:
    """Read a value such as `Int(5)`; other text is itself."""
    found = _VALUE.fullmatch(text)
    if found is None:
        return text
    content = found[2]
    try:
        match found[1].lower():
            case "int":
                return int(content)
            case "double":
                return float(content)
            case "bool":
                return content == "true"
            case "map" | "slice" | "array":
                held: Value = lenient_json.container_in(content)
                return content if held is None else held
            case "empty":
                return None
            case _:
                return content
    except ValueError:
        return content


FORMAT: Final = TextFormat(
    name="output of the collector's debug exporter",
    begins=rb"\bResourceSpans #\d+[ \t]*\r?$",
    hint=b"ResourceSpans #",
    read=_read,
    needs=(b"ResourceSpans #",),
    signs=(b"    Trace ID       : ", b"ScopeSpans #"),
)
