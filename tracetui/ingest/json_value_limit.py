"""Limit on dense JSON, whose values of a few bytes each take many times their size in memory once decoded."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tracetui.ingest.buffers import Buffer
from tracetui.ingest.json_repair.nesting import STRING

MOST_DENSE: Final = 500_000
"""Most dense values within one JSON value; decoded, they take about 100 MiB."""
_DENSE_BYTES: Final = 8
"""Values are dense if they have fewer bytes than this on average; values of traces have more than 12."""
_WINDOW: Final = 1 << 16
_COMMA: Final = ord(",")
_OPENING: Final = ord("{")
_CASE: Final = 0x20
"""Bit in which the two opening brackets differ."""
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_PAIRS: Final = (b"[]", b"{}")
_CLOSING: Final = 4
"""Bit that is set in the codes of closing brackets only."""
_USUAL_DEPTH: Final = 8
_MOST_STRINGS: Final = 8
"""Strings at the end that are tried, as each try reads the whole text."""
_CLOSES: Final = bytes.maketrans(b"[{", b"]}")


class CutValue(NamedTuple):
    """JSON value that was cut off at the limit of dense values."""

    text: bytes
    """Beginning of the value, with all its brackets closed."""
    end: int
    """Position in the source from which on the rest was dropped."""


def cut_dense(data: Buffer) -> CutValue | None:
    """Cut off a JSON value after MOST_DENSE dense values; None if it has fewer."""
    if len(data) <= 2 * MOST_DENSE:
        return None
    end = _end(data)
    return None if end is None else CutValue(close_brackets(bytes(data[:end])), end)


def _end(data: Buffer) -> int | None:
    """Find the end of the window that holds the last permitted dense value."""
    codes = np.frombuffer(data, np.uint8)
    dense = 0
    for at in range(0, len(codes), _WINDOW):
        window = codes[at : at + _WINDOW]
        # each value is preceded by a comma, or is the first in its brackets
        values = int(np.count_nonzero(window == _COMMA)) + int(np.count_nonzero((window | _CASE) == _OPENING))
        if values * _DENSE_BYTES > len(window):
            dense += values
            if dense > MOST_DENSE:
                return at + len(window)
    return None


def close_brackets(text: bytes) -> bytes:
    """Cut JSON text behind its last whole item or member, and close all its brackets."""
    brackets = b""
    for _ in range(_MOST_STRINGS):
        text = text[: max(text.rfind(b","), 0)]
        bare = STRING.sub(b"", text)
        quote = bare.find(b'"')
        if quote < 0:
            brackets = bare.translate(None, _NO_BRACKETS)
            break
        # the comma is within a string, whose beginning would remain
        text = text[: quote - len(bare)]
    return text + _open_brackets(brackets)[::-1].translate(_CLOSES)


def _open_brackets(brackets: bytes) -> bytes:
    """Remove the brackets that are closed."""
    for _ in range(_USUAL_DEPTH):
        for pair in _PAIRS:
            brackets = brackets.replace(pair, b"")
    codes = np.frombuffer(brackets, np.uint8)
    depth = np.cumsum(np.where(codes & _CLOSING, -1, 1), dtype=np.int32)
    least_after = np.minimum.accumulate(depth[::-1])[::-1]
    open_ones = (codes & _CLOSING == 0) & (least_after >= depth)
    return bytes(codes[open_ones])
