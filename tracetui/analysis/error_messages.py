"""Messages of error spans."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.model.conventions import GRPC_NAMES, GRPC_STATUS, HTTP_STATUS, grpc_code
from tracetui.model.span import Attributes, Event, Value
from tracetui.model.traces import TraceSet

NO_MESSAGE = "(no message)"

_MESSAGE_KEYS = (
    "error.message",
    "error.msg",
    "exception.message",
    "grpc.message",
    "http.status_text",
    "http.status_message",
    "error.type",
)
_STATING = frozenset(_MESSAGE_KEYS)
_CODES = frozenset((*GRPC_STATUS, *HTTP_STATUS))


def error_message(traces: TraceSet, span: int) -> str:
    """Return the message of an error span: the first of its status message, exception, error tags, gRPC or HTTP status;
    `(no message)` if there is none.
    """
    return message_among(traces, span, traces.attributes(span)) or NO_MESSAGE


def message_among(traces: TraceSet, span: int, attributes: Attributes) -> str:
    """Return the message of an error span whose attributes are decoded already; '' for none."""
    return _stated(traces, span, attributes) or ("" if _CODES.isdisjoint(attributes) else _from_codes(attributes))


def stated_message(traces: TraceSet, span: int) -> str:
    """Return the message that the span itself states; '' if there is none or only a status code."""
    return _stated(traces, span, traces.attributes(span))


def _stated(traces: TraceSet, span: int, attributes: Attributes) -> str:
    stated = traces.messages[int(traces.message[span])]
    if stated and not stated.isspace():
        return stated
    text = _text(attributes.get("otel.status_description")) or _error_tag(attributes.get("error"))
    if text:
        return text
    if traces.event_bytes[span]:
        text = _from_events(traces.own_events(span))
        if text:
            return text
    if _STATING.isdisjoint(attributes):
        return ""
    return next((text for key in _MESSAGE_KEYS if (text := _text(attributes.get(key)))), "")


def _text(value: Value) -> str:
    return value.strip() if isinstance(value, str) else ""


def _error_tag(value: Value) -> str:
    text = _text(value)
    return "" if text.lower() in ("true", "1", "yes", "false", "0") else text


def exception_text(event: Event) -> str:
    """Return `type: message` of an exception event, or the part that exists."""
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


def _from_codes(attributes: Attributes) -> str:
    for key in GRPC_STATUS:
        if key in attributes:
            code = attributes[key]
            number = grpc_code(code)
            # a call with a successful gRPC status may still have a failed HTTP status
            if isinstance(code, (str, int, float)) and code != "" and number != 0:
                return f"gRPC {code}" if number is None or number >= len(GRPC_NAMES) else GRPC_NAMES[number]
    for key in HTTP_STATUS:
        if key in attributes:
            code = attributes[key]
            if isinstance(code, (str, int, float)) and code != "":
                return f"HTTP {code}"
    return ""
