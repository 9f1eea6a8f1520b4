"""Diagnostics: describe a source without traces, and errors that a server sent instead of traces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.source_bytes import Buffer

_LONGEST_KEYS = 100
_SHOWN_BYTES = 60
_BINARY = 16
_RESPONSE_KEYS = frozenset(
    (
        *("error", "errors", "data", "status", "code", "message", "details", "path", "timestamp", "total", "limit"),
        *("offset", "requestId", "success", "ok", "extensions"),
    )
)
"""Keys of servers' responses that are not traces."""
_LOG_LINE_KEYS = frozenset(("timestamp", "message"))
"""Keys of a server's error that also occur in log lines."""
_STATUS_KEYS = frozenset(("status", "path"))
_ERROR_KEYS = frozenset(("code", "httpCode", "grpcCode", "msg", "message", "reason", "type", "root_cause"))


def shown_start(data: bytes) -> str:
    """Format the beginning of a text in quotes, or of binary data in hex."""
    start = data[:_SHOWN_BYTES]
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        # a character split by the cut does not mean binary data
        text = start[: error.start].decode("utf-8") if len(start) - error.start < 4 <= error.start else ""
    text = " ".join(text.split())
    if not text or any(ord(character) < 0x20 for character in text):
        return start[:_BINARY].hex(" ")
    text += "…" if len(data) > _SHOWN_BYTES else ""
    return text if text[0] == '"' else f'"{text}"'


def object_with(keys: Iterable[str]) -> str:
    """Describe an unknown object by its keys."""
    listed = ", ".join(list(keys)[:12])
    return f"a JSON object with the keys {listed[:_LONGEST_KEYS]}" if listed else "an empty JSON object"


def bare_value(value: Raw | Buffer) -> str:
    """Describe a JSON value that is neither a list nor an object."""
    return f"a bare JSON value {shown_start(bytes(memoryview(value)[: _SHOWN_BYTES + 1]).strip())}"


def is_server_response(members: Mapping[str, Raw]) -> bool:
    """Test whether an object with `error` or `errors` is a server's response, not a log line: the error has a server's
    form, and all keys are those of responses.
    """
    keys = members.keys()
    if not keys <= _RESPONSE_KEYS or (not keys.isdisjoint(_LOG_LINE_KEYS) and keys.isdisjoint(("status", "code"))):
        return False
    try:
        errors = [lenient_json.loads(members[key]) for key in ("error", "errors") if key in members]
    except ValueError:
        return False
    found = [item for value in errors for item in (value if isinstance(value, list) else [value])]
    if any(isinstance(item, dict) and not item.keys().isdisjoint(_ERROR_KEYS) for item in found):
        return True
    # any program may log an error text; only a server adds the request path or empty data
    return any(isinstance(item, str) for item in found) and ("data" in keys or keys >= _STATUS_KEYS)


def server_errors(raw: Raw, context: DecodeContext) -> None:
    """Warn about errors that a server returned instead of or along with traces."""
    try:
        value = lenient_json.loads(raw)
    except ValueError:
        return
    for item in _error_texts(value):
        context.warn(f"the server returned an error: {' '.join(item.split())}")


def _error_texts(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value] if value else []:
        if isinstance(item, dict):
            code = item.get("code") or item.get("httpCode") or ""
            text = item.get("msg") or item.get("message") or ""
            trace = f" (trace {item['traceID']})" if item.get("traceID") else ""
            yield f"{code} {text}".strip() + trace
        else:
            yield str(item)
