"""Nesting limits for JSON, independent of the interpreter's stack."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

MAX_DEPTH: Final = 400
"""Deepest nesting of a span or trace that `damaged_json.repair` accepts."""
JSON_NESTING: Final = 250
"""Deepest nesting that is read; in texts that are too deep, deeper values become null."""

NESTED_TOO_DEEPLY: Final = "nested too deeply"
"""Reason for the damage, as worded by `model.json_decoding.reason`."""
TOO_DEEP: Final = f"{NESTED_TOO_DEEPLY}: values below {JSON_NESTING} levels skipped"
"""Warning for pruned values."""

STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TOKEN: Final = re.compile(STRING.pattern + rb"|[\[\]{}]", re.DOTALL)
NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
"""All bytes except brackets, for `bytes.translate`."""


def is_deeper(text: bytes, depth: int = MAX_DEPTH) -> bool:
    """Test whether valid JSON is nested deeper than this."""
    if len(text) < 2 * depth or text.count(b"[") + text.count(b"{") <= depth:
        return False
    brackets = np.frombuffer(STRING.sub(b"", text).translate(None, NO_BRACKETS), np.uint8)
    # this bit is set in the codes of closing brackets only
    steps = np.where(brackets & 4, -1, 1)
    return bool(np.cumsum(steps).max(initial=0) > depth)


def prune(raw: bytes) -> bytes:
    """Replace values nested deeper than JSON_NESTING by null."""
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
