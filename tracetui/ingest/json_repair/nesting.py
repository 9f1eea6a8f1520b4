"""Nesting limits for JSON, independent of the interpreter's stack."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

MAX_DEPTH: Final = 400
"""A span or a trace nested deeper than this is damage to `mend`."""
JSON_NESTING: Final = 250
"""Deepest nesting that is read; deeper values are read as null where a text is too deep to be read whole."""

NESTED_TOO_DEEPLY: Final = "nested too deeply"
"""Reason given for it, as `model.decoding.reason` words it."""
TOO_DEEP: Final = f"{NESTED_TOO_DEEPLY}: values below {JSON_NESTING} levels skipped"
"""The warning of that."""

_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TOKEN: Final = re.compile(_STRING.pattern + rb"|[\[\]{}]", re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def is_deeper(text: bytes, depth: int = MAX_DEPTH) -> bool:
    """Test whether valid JSON is nested deeper than this."""
    if len(text) < 2 * depth or text.count(b"[") + text.count(b"{") <= depth:
        return False
    brackets = np.frombuffer(_STRING.sub(b"", text).translate(None, _NO_BRACKETS), np.uint8)
    # of each pair of brackets the codes differ in two bits, of which this one is set in those that close
    steps = np.where(brackets & 4, -1, 1)
    return bool(np.cumsum(steps).max(initial=0) > depth)


def prune(raw: bytes) -> bytes:
    """JSON with null in place of values nested deeper than any reader can go."""
    depth = start = end = 0
    kept = []
    for token in _TOKEN.finditer(raw):
        match raw[token.start()]:
            case 0x5B | 0x7B:
                depth += 1
                if depth == JSON_NESTING + 1:
                    start = token.start()
            case 0x5D | 0x7D:
                if depth == JSON_NESTING + 1:
                    kept += [raw[end:start], b"null"]
                    end = token.end()
                depth -= 1
    return b"".join([*kept, raw[end:]]) if kept else raw
