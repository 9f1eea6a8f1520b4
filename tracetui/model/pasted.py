"""The trace that a pasted text is about: an id, a `traceparent` or other header, a page's address, a log line."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

_HEX: Final = r"[0-9a-fA-F]"
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # W3C Trace Context
        rf"(?<![\w-]){_HEX}{{2}}-({_HEX}{{32}})-{_HEX}{{16}}-{_HEX}{{2}}(?![\w-])",
        # B3 in one header, and Jaeger's uber-trace-id
        rf"(?<![\w-])({_HEX}{{32}}|{_HEX}{{16}})-{_HEX}{{16}}(?:-[01dD](?:-{_HEX}{{16}})?)?(?![\w-])",
        rf"(?<![\w:])({_HEX}{{9,32}}):{_HEX}{{1,16}}:{_HEX}{{1,16}}:{_HEX}{{1,2}}(?![\w:])",
        # AWS X-Ray
        rf"(?<![\w-])1-({_HEX}{{8}}-{_HEX}{{24}})(?![\w-])",
        # pages and requests of Jaeger, Zipkin and Tempo
        rf"/(?:traces?|trace)/({_HEX}{{16,32}})(?!\w)",
        # fields of log lines
        rf"(?i)trace[\s_.-]?id\W{{1,6}}({_HEX}{{16,32}})(?!\w)",
        rf"(?<!\w)({_HEX}{{32}})(?!\w)",
    )
)
_ALONE: Final = re.compile(rf"{_HEX}{{16}}|{_HEX}{{32}}")


def trace_id_in(text: str) -> str:
    """The id of the trace that a text is about, '' where it names none."""
    text = text.strip()
    if _ALONE.fullmatch(text):
        return text
    plain = unquote(text)
    for pattern in _PATTERNS:
        found = pattern.search(plain)
        if found is not None and found[1].strip("0-"):
            return found[1].replace("-", "")
    return ""
