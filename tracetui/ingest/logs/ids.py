"""Trace and span ids in logs: hex, decimal, with a prefix, within a header or a resource name.

A short id can be read in more than one way; the reading that is the id of a loaded trace is used.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from tracetui.model.ids import SPAN_DIGITS, TRACE_DIGITS, is_hex, span_key
from tracetui.model.trace_reference import ids_in

_NONE: Final = frozenset(("", "-", "null", "none", "nil", "undefined", "n/a", "na", "unknown", "<nil>"))
_LONGEST_DECIMAL: Final = 20
"""Largest number of digits of a 64-bit number."""
_LONGEST: Final = 512
_MAX_KEY: Final = 1 << 64


def trace_id_readings(value: Any, *, decimal: bool = False) -> tuple[str, ...]:
    """Read a field that names a trace. -> its possible ids, the most likely first; () if there is none

    decimal: True for a logger that writes ids as decimal numbers (Datadog).
    """
    if isinstance(value, str):
        return _of_text(value, decimal)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << (4 * TRACE_DIGITS):
        return (f"{value:0{SPAN_DIGITS}x}",)
    return ()


@lru_cache(maxsize=1 << 14)
def _of_text(text: str, decimal: bool) -> tuple[str, ...]:
    text = text.strip()
    if len(text) > _LONGEST or text.lower() in _NONE or not text.strip("0-"):
        return ()
    if text[:2] in ("0x", "0X"):
        text = text[2:]
    if text.startswith("projects/"):
        # Google Cloud: projects/PROJECT/traces/ID
        text = text.rpartition("/")[2]
    if is_hex(text):
        number = f"{int(text):0{SPAN_DIGITS}x}" if text.isdecimal() and len(text) <= _LONGEST_DECIMAL else ""
        if not number:
            return (text,)
        return (number, text) if decimal or len(text) > SPAN_DIGITS else (text, number)
    joined = text.replace("-", "")
    if len(joined) == TRACE_DIGITS and is_hex(joined):
        # a UUID, or an X-Ray id without its version
        return joined, text
    named = ids_in(text)[0]
    return (named, text) if named else (text,)


def span_keys_of(value: Any, *, decimal: bool = False) -> tuple[int, ...]:
    """Read a field that names a span. -> its possible keys (see `model.ids.span_key`), the most likely first."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,) if 0 < value < _MAX_KEY else ()
    if not isinstance(value, str):
        return ()
    text = value.strip()
    if text[:2] in ("0x", "0X"):
        text = text[2:]
    if text.lower() in _NONE or not text.strip("0"):
        return ()
    if text.isdecimal() and text.isascii() and len(text) <= _LONGEST_DECIMAL and int(text) < _MAX_KEY:
        keys = (span_key(text), int(text)) if len(text) <= SPAN_DIGITS else (int(text),)
        return keys[::-1] if decimal else keys
    if len(text) > _LONGEST:
        return ()
    if len(text) > SPAN_DIGITS + 1 and "-" in text:
        # a traceparent
        named = ids_in(text)[1]
        return (span_key(named),) if named else (span_key(text),)
    return (span_key(text),)
