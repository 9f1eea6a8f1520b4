"""What a source that holds no traces is, and what a server said instead of traces, in words for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Raw

from tracetui.ingest import lenient
from tracetui.ingest.buffers import Buffer
from tracetui.ingest.place import Place

_LONGEST_KEYS = 100
_SHOWN_BYTES = 60
_BINARY = 16


def shown_start(data: bytes) -> str:
    """How a text begins, in quotes; of binary data the first bytes in hex."""
    start = data[:_SHOWN_BYTES]
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        # a character that the cut has split is no sign of binary data
        text = start[: error.start].decode("utf-8") if len(start) - error.start < 4 <= error.start else ""
    text = " ".join(text.split())
    if not text or any(ord(character) < 0x20 for character in text):
        return start[:_BINARY].hex(" ")
    text += "…" if len(data) > _SHOWN_BYTES else ""
    return text if text[0] == '"' else f'"{text}"'


def object_with(keys: Iterable[str]) -> str:
    """An object that is nothing known, by its keys."""
    listed = ", ".join(list(keys)[:12])
    return f"a JSON object with the keys {listed[:_LONGEST_KEYS]}" if listed else "an empty JSON object"


def bare_value(value: Raw | Buffer) -> str:
    return f"a bare JSON value {shown_start(bytes(memoryview(value)[: _SHOWN_BYTES + 1]).strip())}"


def server_errors(raw: Raw, place: Place) -> None:
    """Pass on what a server said went wrong, in place of traces or beside them."""
    try:
        value = lenient.loads(raw)
    except ValueError:
        return
    for item in _error_texts(value):
        place.warn(f"the server answered an error: {item}")


def _error_texts(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value] if value else []:
        if isinstance(item, dict):
            code = item.get("code") or item.get("httpCode") or ""
            text = item.get("msg") or item.get("message") or ""
            trace = f" (trace {item['traceID']})" if item.get("traceID") else ""
            yield f"{code} {text}".strip() + trace
        else:
            yield str(item)
