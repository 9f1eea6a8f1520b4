"""Limits on JSON whose many small values take many times their size in memory once decoded."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np
from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.json_member_limit import without_surplus
from tracetui.ingest.json_repair.nesting import NO_BRACKETS, STRING
from tracetui.ingest.source_bytes import Buffer

MAX_DENSE: Final = 500_000
"""Largest number of dense values within one JSON value; decoded, they take about 100 MiB."""
MORE_VALUES: Final = f"more than {MAX_DENSE:,} values; the rest was skipped"
"""Warning for a span whose JSON was cut off by `first_values`."""
_DENSE_BYTES: Final = 8
"""Values are dense if they have fewer bytes than this on average; values of traces have more than 12."""
_WINDOW: Final = 1 << 16
_COMMA: Final = ord(",")
_OPENING: Final = ord("{")
_BY_COLUMNS: Final = re.compile(rb'\s*\{\s*"[^"\\]{1,64}"\s*:\s*\[\s*(?:"[^"\\]{0,64}"|null|[-+.\deE]{1,32})\s*,')
_HEAD: Final = 1 << 12
_MAX_CELLS: Final = 8_000_000
"""Largest number of cells of a table by columns; decoded, they take up to 500 MiB."""
_CASE: Final = 0x20
"""Bit in which the two opening brackets differ."""
_PAIRS: Final = (b"[]", b"{}")
_CLOSING: Final = 4
"""Bit that is set in the codes of closing brackets only."""
_USUAL_DEPTH: Final = 8
_MAX_STRINGS: Final = 8
"""Strings at the end that are tried, as each try reads the whole text."""
_CLOSES: Final = bytes.maketrans(b"[{", b"]}")


class CutValue(NamedTuple):
    """JSON value that was cut off at the limit of dense values."""

    text: bytes
    """Beginning of the value, with all its brackets closed."""
    end: int
    """Position in the source from which on the rest was dropped."""


def within_limits(data: Buffer, context: DecodeContext) -> Buffer:
    """Drop what exceeds the limits of a JSON value, with warnings; a value within them is returned unchanged."""
    surplus = without_surplus(data)
    if surplus is not None:
        data = surplus.text
        context.warn(str(surplus))
    cut = None if is_table_by_columns(data) else cut_dense(data)
    if cut is not None:
        data = cut.text
        context.warn(
            f"more than {MAX_DENSE:,} values of a few bytes each; the rest from byte {cut.end:,} on was skipped"
        )
    return data


def is_table_by_columns(data: Buffer | Raw) -> bool:
    """Test for a table with one list of cells per column, with a limited number of cells.

    Such a table must not be cut off at its end, as its rows need all columns.
    """
    if _BY_COLUMNS.match(bytes(memoryview(data)[:_HEAD])) is None:
        return False
    return int(np.count_nonzero(np.frombuffer(memoryview(data), np.uint8) == _COMMA)) <= _MAX_CELLS


def cut_dense(data: Buffer) -> CutValue | None:
    """Cut off a JSON value after MAX_DENSE dense values; None if it has fewer."""
    if len(data) <= 2 * MAX_DENSE:
        return None
    end = _end(data, _DENSE_BYTES)
    return None if end is None else CutValue(close_brackets(bytes(data[:end])), end)


def first_values(text: bytes | Raw) -> bytes | Raw:
    """Cut off the JSON of one span, or of a part of it, after MAX_DENSE values of any size.

    Text with fewer is returned unchanged.
    """
    if memoryview(text).nbytes <= 2 * MAX_DENSE:
        return text
    end = _end(bytes(text), _WINDOW)
    return text if end is None else close_brackets(bytes(text)[:end])


def _end(data: Buffer, size: int) -> int | None:
    """Find the end of the window that holds the last permitted value.

    size: values count in windows in which they have fewer bytes than this on average.
    """
    codes = np.frombuffer(data, np.uint8)
    dense = 0
    for at in range(0, len(codes), _WINDOW):
        window = codes[at : at + _WINDOW]
        # each value is preceded by a comma, or is the first in its brackets
        values = int(np.count_nonzero(window == _COMMA)) + int(np.count_nonzero((window | _CASE) == _OPENING))
        if values * size > len(window):
            dense += values
            if dense > MAX_DENSE:
                return at + len(window)
    return None


def close_brackets(text: bytes) -> bytes:
    """Cut JSON text behind its last whole item or member, and close all its brackets."""
    brackets = b""
    for _ in range(_MAX_STRINGS):
        text = text[: max(text.rfind(b","), 0)]
        bare = STRING.sub(b"", text)
        quote = bare.find(b'"')
        if quote < 0:
            brackets = bare.translate(None, NO_BRACKETS)
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
    lowest_after = np.minimum.accumulate(depth[::-1])[::-1]
    open_ones = (codes & _CLOSING == 0) & (lowest_after >= depth)
    return bytes(codes[open_ones])
