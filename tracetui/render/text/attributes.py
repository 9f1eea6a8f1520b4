"""Attributes as text: groups of keys, and values shortened, in full or on several lines."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import numpy as np

from tracetui.model.span import Event, Link, Value
from tracetui.render.text.cells import cell_width, cut

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("HTTP", ("http", "url", "user_agent")),
    ("database", ("db", "sql", "redis", "mongodb")),
    ("messaging", ("messaging", "message_bus", "kafka", "rabbitmq")),
    ("RPC", ("rpc", "grpc")),
    ("GenAI", ("gen_ai", "llm", "ai", "openinference")),
    ("error", ("exception", "error", "otel.status_code", "otel.status_description")),
    ("other", ()),
    ("network", ("network", "net", "server", "client", "peer", "tls", "dns")),
    ("code", ("code", "thread")),
    ("cloud", ("faas", "cloud", "aws", "gcp", "azure", "graphql", "feature_flag")),
    ("instrumentation", ("otel", "span.kind", "sampler", "internal", "component", "telemetry")),
)
"""Groups of attributes by their prefixes, in order."""
OTHERS = "other"
BEHIND = ("network", "code", "cloud", "instrumentation")
"""Groups that are folded at first, as they rarely matter."""
LEADING = (
    "db.query.text",
    "db.statement",
    "sql.query",
    "url.full",
    "http.url",
    "http.route",
    "url.path",
    "http.target",
    "rpc.service",
    "rpc.method",
    "messaging.destination.name",
    "messaging.destination.template",
    "messaging.destination",
    "message_bus.destination",
    "graphql.document",
)
"""Attributes that identify a span's work, shown before all others."""

_TITLES = {prefix: title for title, prefixes in GROUPS for prefix in prefixes}
INLINE_CHARACTERS = 4_000
"""Length from which on a value is only shown in the pager."""
_INDENTED_BYTES = 4 << 20
_MAX_INDENTATION = 8 << 20
_TOO_DEEP = "(nested too deeply to show)"
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A string, or the rest of the text: a search for the end of each unfinished string takes too long."""


def group_of(key: str) -> str:
    """Return the title of an attribute's semantic group."""
    return _TITLES.get(key) or _TITLES.get(key.partition(".")[0], OTHERS)


def value_text(value: Value) -> str:
    """Format a value in full: text unchanged, bytes in hex, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return to_json(value)


def to_json(value: Any, indent: int | None = None) -> str:
    """Return an attribute value as JSON; types that JSON lacks become text."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, default=_as_text)
    except (RecursionError, ValueError):
        return _TOO_DEEP


def _as_text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def plain(item: Event | Link) -> dict[str, Value]:
    """Return an event or a link as a JSON object."""
    if isinstance(item, Event):
        return {"name": item.name, "time_ns": item.time_ns, "attributes": dict(item.attributes)}
    kind: dict[str, Value] = {"kind": item.kind} if item.kind else {}
    return {"trace_id": item.trace_id, "span_id": item.span_id, **kind, "attributes": dict(item.attributes)}


def in_short(value: Value, room: int) -> str:
    """Return about the first `room` characters of a value's text, in time proportional to `room`."""
    if isinstance(value, str):
        return value[:room]
    if isinstance(value, bytes):
        return value[:room].hex()
    parts: list[str] = []
    _write(value, parts, room, 0)
    return "".join(parts)


def _write(value: Value, parts: list[str], room: int, depth: int) -> int:
    """Append JSON until there is no more room, and return the room left."""
    if room <= 0:
        return room
    if not isinstance(value, (list, dict)):
        shown = value[: room + 1] if isinstance(value, (str, bytes)) else value
        text = to_json(shown)
        parts.append(text)
        return room - len(text)
    if depth > 20:
        parts.append("…")
        return room - 1
    opening, closing = "[]" if isinstance(value, list) else "{}"
    parts.append(opening)
    room -= 2
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for number, (key, item) in enumerate(items):
        begin = ", " if number else ""
        if isinstance(key, str):
            begin += f"{to_json(key[: max(room, 1)])}: "
        parts.append(begin)
        room = _write(item, parts, room - len(begin), depth + 1)
        if room <= 0:
            return room
    parts.append(closing)
    return room


def text_size(value: Value) -> int:
    """Count the characters of a value's text; lists and mappings at most up to the inline limit."""
    if isinstance(value, str):
        return len(value)
    return len(value) * 2 if isinstance(value, bytes) else len(in_short(value, INLINE_CHARACTERS))


def wrapped(text: str, width: int) -> list[str]:
    """Break safe text into lines of at most `width` cells."""
    lines = []
    while cell_width(text) > width:
        # a single wide character may not fit
        head = cut(text, width, "") or text[:1]
        lines.append(head if cell_width(head) <= width else "?"[:width])
        text = text[len(head) :]
    return [*lines, text]


def indented(text: str) -> str:
    """Indent a JSON object or list; return any other text unchanged. Numbers keep their notation."""
    if text[:1].strip() not in ("{", "[") or len(text) > _INDENTED_BYTES:
        return text
    try:
        raw = text.encode()
        if _indentation(raw) > _MAX_INDENTATION:
            return text
        return msgspec.json.format(raw, indent=2).decode()
    except (UnicodeEncodeError, msgspec.MsgspecError, RecursionError):
        return text


def _indentation(raw: bytes) -> int:
    """Estimate the number of blanks that indentation adds to this JSON."""
    codes = np.frombuffer(_STRING.sub(b"", raw), np.uint8)
    step = np.zeros(len(codes), np.int64)
    step[(codes == ord("{")) | (codes == ord("["))] = 1
    step[(codes == ord("}")) | (codes == ord("]"))] = -1
    depth = np.cumsum(step)
    return int(depth[(step != 0) | (codes == ord(","))].clip(0).sum()) * 2
