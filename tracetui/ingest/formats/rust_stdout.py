"""Output of the crate `opentelemetry-stdout`, OpenTelemetry's console exporter for Rust.

A resource is printed once, before the first spans; each span is a block of lines `Name: ...` indented by a tab. Strings
are in quotes, as printed by `Debug`; times are in UTC without a zone. The source is opentelemetry-rust's
`opentelemetry-stdout/src/trace/exporter.rs`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.format import Lines, TextFormat
from tracetui.ingest.formats.node_inspect import unescaped
from tracetui.ingest.formats.numbers import moment_ns
from tracetui.ingest.formats.plain_span import SERVICE, PlainSpan, SpanSink, real_id
from tracetui.ingest.formats.printed_values import printed_value
from tracetui.model.span import Event, Link, Value

_SPAN: Final = re.compile(r"\s*Span #\d+\s*")
_PAIR: Final = re.compile(r"(?P<indent>\s*)(?:->\s*)?(?P<key>[^\s:=][^:=]*?)\s*(?:: ?|=)\s*(?P<value>.*)")
_SECTION: Final = re.compile(r"\s+(Attributes|Events|Links|Scope Attributes|Instrumentation Scope)\s*:?\s*")
_NUMBERED: Final = re.compile(r"\s+(Event|Link) #\d+\s*")
_WRAPPED: Final = re.compile(
    r"(?:String|I64|F64|Bool|Array|Static|Owned|RefCounted|Str|StringValue)\((.*)\)", re.DOTALL
)
_FIELDS: Final = frozenset(
    ("Name", "TraceId", "SpanId", "TraceFlags", "ParentSpanId", "Kind", "Start time", "End time", "Status")
)
_STATUS: Final = re.compile(r"(?:Status::)?(?P<code>\w+)(?: ?\{ ?description: (?P<text>.*) ?\})?")
_MAX_LINES: Final = 1_000_000


def _read(match: re.Match[bytes], lines: Lines, context: DecodeContext, sink: SpanSink) -> None:
    ahead = lines.copy()
    ahead.advance()
    if ahead.line is None or ahead.line[:1] != b"\t":
        lines.advance()
        return
    span: _Span | None = None
    if match[0].strip() == b"Resource":
        sink.resource = {}
        lines.advance()
    for _ in range(_MAX_LINES):
        raw = lines.line
        if raw is None:
            break
        line = raw.decode("utf-8", "replace").rstrip("\r")
        if _SPAN.fullmatch(line):
            _add(span, context, sink)
            span = _Span()
        elif line[:1] == "\t" and span is not None:
            span.add(line)
        elif line[:1] == "\t":
            if pair := _PAIR.fullmatch(line):
                sink.resource[pair["key"].strip()] = debug_value(pair["value"])
        elif line.strip() and not _continues(lines):
            break
        lines.advance()
    _add(span, context, sink)


def _continues(lines: Lines) -> bool:
    """Test whether a span continues after a foreign line."""
    ahead = lines.copy()
    ahead.advance()
    line = (ahead.line or b"").decode("utf-8", "replace")
    return bool(_SPAN.fullmatch(line)) or line[:1] == "\t"


def _add(span: _Span | None, context: DecodeContext, sink: SpanSink) -> None:
    if span is not None and span.fields:
        sink.add(span.whole(sink.resource), context)


class _Span:
    """Reader for the lines of one span."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.scope: dict[str, str] = {}
        self.attributes: dict[str, Value] = {}
        self.items: dict[str, list[dict[str, Any]]] = {"Events": [], "Links": []}
        self.at = ""

    def add(self, line: str) -> None:
        if section := _SECTION.fullmatch(line):
            if not (section[1] == "Attributes" and self.at in self.items):
                self.at = section[1]
            return
        if numbered := _NUMBERED.fullmatch(line):
            self.at = f"{numbered[1]}s"
            self.items[self.at].append({"attributes": {}})
            return
        pair = _PAIR.fullmatch(line)
        if pair is None:
            return
        key, value, depth = pair["key"].strip(), pair["value"], pair["indent"].count("\t")
        if self.at in self.items:
            self._item(self.items[self.at], key, value)
        elif depth == 1 and key in _FIELDS and "->" not in line:
            self.at = ""
            self.fields[key] = value
        elif self.at == "Instrumentation Scope":
            self.scope[key] = _text(value)
        elif self.at == "Attributes" and not key.startswith("Dropped"):
            self.attributes[key] = debug_value(value)

    def _item(self, items: list[dict[str, Any]], key: str, value: str) -> None:
        if key in ("Name", "TraceId") and (not items or key in items[-1]):
            items.append({"attributes": {}})
        if items and key in ("Name", "Timestamp", "TraceId", "SpanId"):
            items[-1][key] = value
        elif items and not key.startswith("Dropped"):
            items[-1]["attributes"][key] = debug_value(value)

    def whole(self, resource: dict[str, Value]) -> PlainSpan:
        fields = self.fields
        status = _STATUS.fullmatch(fields.get("Status", "").strip())
        return PlainSpan(
            trace_id=real_id(fields.get("TraceId")),
            span_id=real_id(fields.get("SpanId")),
            parent_id=real_id(fields.get("ParentSpanId")),
            name=_text(fields.get("Name", "")),
            kind=fields.get("Kind"),
            start_ns=moment_ns(fields.get("Start time")),
            end_ns=moment_ns(fields.get("End time")),
            status=status["code"] if status else None,
            message=_text(status["text"].strip()) if status and status["text"] else "",
            attributes=self.attributes,
            resource={key: str(value) if key == SERVICE else value for key, value in resource.items()},
            scope_name=self.scope.get("Name", ""),
            scope_version=self.scope.get("Version", ""),
            events=[
                Event(moment_ns(one.get("Timestamp")) or 0, _text(one.get("Name", "")), one["attributes"])
                for one in self.items["Events"]
            ],
            links=[
                Link(real_id(one.get("TraceId")), real_id(one.get("SpanId")), "", one["attributes"])
                for one in self.items["Links"]
            ],
        )


def _text(text: str) -> str:
    found = debug_value(text)
    return found if isinstance(found, str) else text


def debug_value(text: str) -> Value:
    """Read a value printed by `Debug`, which may have several wrappers: `String(Owned("x"))`."""
    for _ in range(_MAX_WRAPPERS):
        wrapped = _WRAPPED.fullmatch(text)
        if wrapped is None:
            break
        text = wrapped[1]
    if len(text) > 1 and text[0] == text[-1] == '"':
        return unescaped(text[1:-1])
    return printed_value(text)


_MAX_WRAPPERS: Final = 4

FORMAT: Final = TextFormat(
    name="output of OpenTelemetry's stdout exporter for Rust",
    begins=rb"^(?:Resource|Span #\d+)[ \t]*\r?$",
    hint=b"",
    read=_read,
    needs=(b"TraceId",),
    signs=(b"\tInstrumentation Scope\n", b"\t Instrumentation Scope\n"),
)
