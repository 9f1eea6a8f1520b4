"""What an error span says went wrong, and the template that errors of one cause share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from tracetui.model.conventions import GRPC_NAMES, GRPC_STATUS, HTTP_STATUS, grpc_code
from tracetui.model.span import Event, Value
from tracetui.model.traces import TraceSet

LONGEST_MESSAGE = 2_000
NO_MESSAGE = "(no message)"

_VARIABLE = re.compile(
    r"""
      (?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b)
    | (?P<id>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)
    | (?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b
            |(?<![\w:])(?=[0-9a-fA-F:]*\d)                                      # IPv6 with zeros left out, has a digit
             (?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?(?!:?\w)
            |(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b)
    | (?P<text>"[^"]*"|(?<!\w)'(?:[^']|(?<=\w)'(?=\w))*'(?!\w)|`[^`]*`)         # an apostrophe is no quote
    | (?P<part>(?<=/)(?!v\d+(?:(?:alpha|beta)\d*)?(?![\w.~-]))                   # nor a version an id
             (?=[\w.~-]*\d)[\w.~-]+(?=/|\b))
    | (?P<hex>\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F]{8,})\b)
    | (?P<number>(?<![\w.])(?<!HTTP\ )[+-]?\d+(?:[.,]\d+)*)
    """,
    re.VERBOSE,
)
_MESSAGE_KEYS = (
    "error.message",
    "error.msg",
    "exception.message",
    "grpc.message",
    "http.status_text",
    "http.status_message",
    "error.type",
)
_BLANKS = re.compile(r"\s+")


@lru_cache(maxsize=50_000)
def template(message: str) -> str:
    """The message with what varies replaced by placeholders, blanks collapsed.

    Timestamps, UUIDs, IP addresses, quoted texts, id-like parts of paths, hex runs of 8 and more, and numbers become
    `<time>`, `<id>`, `<ip>`, `<text>`, `<id>`, `<hex>` and `<n>`.
    """
    return _BLANKS.sub(" ", _VARIABLE.sub(_placeholder, message[:LONGEST_MESSAGE])).strip()


def _placeholder(match: re.Match[str]) -> str:
    kind = match.lastgroup
    return {"number": "<n>", "part": "<id>"}.get(kind or "", f"<{kind}>")


def error_message(traces: TraceSet, span: int) -> str:
    """The message of an error span: the first there is of its status message, exception, error tags, HTTP or gRPC
    status; `(no message)` if it says nothing.
    """
    return stated_message(traces, span) or _from_codes(traces.attributes(span)) or NO_MESSAGE


def stated_message(traces: TraceSet, span: int) -> str:
    """What the span itself says went wrong, '' if there is at most the code of a status."""
    stated = traces.messages[int(traces.message[span])]
    if stated.strip():
        return stated
    attributes = traces.attributes(span)
    return (
        _text(attributes.get("otel.status_description"))
        or _error_tag(attributes.get("error"))
        or _from_events(traces.events(span))
        or next((text for key in _MESSAGE_KEYS if (text := _text(attributes.get(key)))), "")
    )


def _text(value: Value) -> str:
    return value.strip() if isinstance(value, str) else ""


def _error_tag(value: Value) -> str:
    text = _text(value)
    return "" if text.lower() in ("true", "1", "yes", "false", "0") else text


def exception_text(event: Event) -> str:
    """`type: message` of an exception event, or what there is of the two."""
    parts = (_text(event.attributes.get(f"exception.{part}")) for part in ("type", "message"))
    return ": ".join(part for part in parts if part)


def _from_events(events: Sequence[Event]) -> str:
    for event in reversed(events):
        if event.name == "exception" and exception_text(event):
            return exception_text(event)
    for event in events:
        if event.name == "error":
            for key in ("error.object", "message", "error.kind", "stack"):
                if _text(event.attributes.get(key)):
                    return _text(event.attributes.get(key))
    return ""


def _from_codes(attributes: Mapping[str, Value]) -> str:
    for key in GRPC_STATUS:
        code = attributes.get(key)
        number = grpc_code(code)
        # a call that succeeded as one of gRPC may yet have failed as one of HTTP
        if isinstance(code, (str, int, float)) and code != "" and number != 0:
            return f"gRPC {code if number is None or number >= len(GRPC_NAMES) else GRPC_NAMES[number]}"
    for key in HTTP_STATUS:
        code = attributes.get(key)
        if isinstance(code, (str, int, float)) and code != "":
            return f"HTTP {code}"
    return ""
