"""Output of the console exporter of OpenTelemetry's Ruby SDK (`ConsoleSpanExporter`).

A span is a struct printed by `pp`: `#<struct OpenTelemetry::SDK::Trace::SpanData`, then its members, one or more lines
each. Ids are strings of escaped bytes, times nanoseconds. The source is opentelemetry-ruby's `SpanData`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.format import Lines, TextFormat
from tracetui.ingest.formats.item_lists import as_object, objects_of
from tracetui.ingest.formats.numbers import whole_number
from tracetui.ingest.formats.otlp_values import attributes_of, text_of
from tracetui.ingest.formats.plain_span import PlainSpan, SpanSink, real_id
from tracetui.ingest.json_blocks import CLOSING
from tracetui.model.json_decoding import MalformedError
from tracetui.model.span import Event, Link

_TOKEN: Final = re.compile(
    rb"""\s*(?:
      (?P<object>\#<(?:struct[ ])?[\w:]+(?::0x[0-9a-f]+)?)
    | (?P<sign>[{}\[\],>])
    | (?P<arrow>=>)
    | (?P<text>"(?:[^"\\]|\\.)*+")
    | (?P<member>@?[a-z_]\w*=(?!>))
    | (?P<key>[a-z_]\w*:(?=\s))
    | (?P<word>:"(?:[^"\\]|\\.)*+"|:?[^\s{}\[\],>="]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9A-Fa-f]{1,2})|u\{?([0-9A-Fa-f]{4,6})\}?|([0-7]{1,3})|(.))", re.DOTALL)
_ESCAPED: Final = dict(zip(b"ntreabfvs", (b"\n", b"\t", b"\r", b"\x1b", b"\a", b"\b", b"\f", b"\v", b" "), strict=True))
_WORDS: Final[dict[bytes, Any]] = {b"nil": None, b"true": True, b"false": False}
_MAX_LINES: Final = 100_000


def _read(match: re.Match[bytes], lines: Lines, context: DecodeContext, sink: SpanSink) -> None:
    text = [match.string[match.start() :]]
    lines.advance()
    for _ in range(_MAX_LINES):
        line = lines.line
        if line is None or not line.startswith(b" "):
            break
        text.append(line)
        lines.advance()
    try:
        span = _printed(b"\n".join(text))
    except MalformedError as error:
        context.warn(f"skipped: a span in Ruby's console output is cut off ({error})")
        return
    status = as_object(span.get("status"))
    scope = as_object(span.get("instrumentation_scope") or span.get("instrumentation_library"))
    attributes = attributes_of(span.get("attributes"))
    sink.add(
        PlainSpan(
            trace_id=real_id(_hex(span.get("trace_id"))),
            span_id=real_id(_hex(span.get("span_id"))),
            parent_id=real_id(_hex(span.get("parent_span_id"))),
            name=_text(span.get("name")),
            kind=span.get("kind"),
            start_ns=whole_number(span.get("start_timestamp")),
            end_ns=whole_number(span.get("end_timestamp")),
            # Ruby: OK is 0 and UNSET is 1
            status={0: 1, 1: 0}.get(code, code) if isinstance(code := status.get("code"), int) else None,
            message=_text(status.get("description")),
            attributes=attributes,
            resource=attributes_of(as_object(span.get("resource")).get("attributes")),
            scope_name=_text(scope.get("name")),
            scope_version=_text(scope.get("version")),
            events=[_event(one) for one in objects_of(span.get("events"))],
            links=[_link(one) for one in objects_of(span.get("links"))],
            dropped=(max((whole_number(span.get("total_recorded_attributes")) or 0) - len(attributes), 0), 0, 0),
        ),
        context,
    )


def _event(value: dict[str, Any]) -> Event:
    time_ns = whole_number(value.get("timestamp")) or 0
    return Event(time_ns, _text(value.get("name")), attributes_of(value.get("attributes")))


def _link(value: dict[str, Any]) -> Link:
    span_context = as_object(value.get("span_context"))
    trace_id, span_id = _hex(span_context.get("trace_id")), _hex(span_context.get("span_id"))
    return Link(trace_id, span_id, "", attributes_of(value.get("attributes")))


_NOTHING: Final = object()


@dataclass(slots=True)
class _RubyOpen:
    """An open object, hash or list, and the token that closes it."""

    held: dict[str, Any] | list[Any]
    closing: bytes
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    """Builds the printed object from the tokens."""

    open: list[_RubyOpen] = field(default_factory=list)
    last: Any = _NOTHING
    """Last token, a value or a key."""
    root: Any = _NOTHING

    def store_last(self) -> None:
        value, self.last = self.last, _NOTHING
        if value is _NOTHING or not self.open:
            return
        level = self.open[-1]
        if isinstance(level.held, list):
            level.held.append(value)
        elif level.key is not None:
            level.held[level.key], level.key = value, None

    def begin(self, closing: bytes) -> None:
        self.last = _NOTHING
        self.open.append(_RubyOpen([] if closing == b"]" else {}, closing))

    def close(self, sign: bytes, at: int) -> None:
        self.store_last()
        if not self.open or self.open[-1].closing != sign:
            raise MalformedError(f"unexpected {sign.decode()!r} at byte {at:,}")
        self.last = self.open.pop().held
        if not self.open:
            self.root = self.last

    def name(self, key: str) -> None:
        self.store_last()
        if self.open:
            self.open[-1].key = key


def _printed(text: bytes) -> dict[str, Any]:
    """Read an object printed by Ruby's `pp`. Raises MalformedError if it ends too early."""
    reader = _Reader()
    at = 0
    while reader.root is _NOTHING:
        match = _TOKEN.match(text, at)
        if match is None:
            raise MalformedError(f"at byte {at:,}")
        at = match.end()
        token = match[match.lastgroup or 0]
        match match.lastgroup:
            case "object":
                reader.begin(b">")
            case "sign" if token in CLOSING:
                reader.begin(CLOSING[token])
            case "sign" if token == b",":
                reader.store_last()
            case "sign":
                reader.close(token, at)
            case "arrow":
                key, reader.last = reader.last, _NOTHING
                reader.name(_text(key))
            case "member" | "key":
                reader.name(token.decode().strip("@=:"))
            case "text":
                reader.last = _unescaped(token[1:-1])
            case _:
                reader.last = _of_word(token)
    return as_object(reader.root)


def _of_word(word: bytes) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    text = word.decode("utf-8", "replace")
    if text[:1] == ":":
        return text[1:].strip('"')
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _unescaped(text: bytes) -> str | bytes:
    """Replace the escapes in a literal. -> a text, or bytes if it is not UTF-8"""

    def piece(match: re.Match[bytes]) -> bytes:
        if match[1] or match[3]:
            return bytes([int(match[1] or match[3], 16 if match[1] else 8) & 0xFF])
        if match[2]:
            return chr(int(match[2], 16)).encode("utf-8", "replace")
        return _ESCAPED.get(match[4][0], match[4])

    raw = _ESCAPE.sub(piece, text)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _hex(value: Any) -> str:
    """Convert an id, given as a text of bytes, to hex."""
    return value.hex() if isinstance(value, bytes) else text_of(value).encode().hex()


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else text_of(value)


FORMAT: Final = TextFormat(
    name="output of OpenTelemetry's console exporter for Ruby",
    begins=rb"\#<struct OpenTelemetry::SDK::Trace::SpanData",
    hint=b"OpenTelemetry::SDK::Trace::SpanData",
    read=_read,
    needs=(b"#<struct OpenTelemetry::SDK::Trace::SpanData",),
    signs=(b"#<OpenTelemetry::Trace::Status:",),
)
