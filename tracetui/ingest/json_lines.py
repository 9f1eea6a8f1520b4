"""Sources of one JSON value a line."""

from __future__ import annotations

import re
from itertools import islice

import msgspec

from tracetui.ingest.buffers import Buffer
from tracetui.model.decoding import MALFORMED

_LINE_BEGINS = re.compile(rb"\n[ \t\r\n]*+(?=[{\[](?![\r\n])[^\n]*[}\]][ \t\r\f\v]*(?:\n|\Z))")
"""The beginning of a line that may be JSON, as its first and last characters tell."""
_MOST_FAILURES = 50_000
"""Lines that look like JSON and are none before the search is given up."""
_GOES_ON = b",[{:"
"""A line that ends so goes on with the next one: lists are written an item a line, too."""
_LAST_BYTES = 4096
_MORE = re.compile(rb"\s*\S")
_VALUE = msgspec.json.Decoder(msgspec.Raw)
_COUNTED = 1 << 24


def json_line(data: Buffer, start: int, *, first: bool) -> bytes | None:
    """First line that is a JSON list or object by itself, or None.

    first: whether only the line that begins at `start` counts, which must not be the last.
    """
    if first:
        end = data.find(b"\n", start)
        line = data[start:end].strip() if end >= 0 and _MORE.match(data, end) else b""
        return line if _is_json(line) else None
    for found in islice(_LINE_BEGINS.finditer(data, start), _MOST_FAILURES):
        before = data[max(found.start() - _LAST_BYTES, start) : found.start()].rstrip()[-1:]
        if not before or before in _GOES_ON:
            continue
        end = data.find(b"\n", found.end())
        line = data[found.end() : end if end >= 0 else len(data)].strip()
        if _is_json(line):
            return line
    return None


def _is_json(text: bytes) -> bool:
    try:
        _VALUE.decode(text)
    except MALFORMED:
        return False
    return True


def line_cuts(data: Buffer, start: int, shares: int) -> list[int]:
    """Positions that cut the source into this many shares of similar size, each at the end of a line."""
    size = len(data)
    cuts = [start]
    for i in range(1, shares):
        cut = data.find(b"\n", start + (size - start) * i // shares)
        cuts.append(size if cut < 0 else cut + 1)
    return [*cuts, size]


def count_lines(data: Buffer, end: int) -> int:
    """How many lines end before a position."""
    return sum(data[at : min(at + _COUNTED, end)].count(b"\n") for at in range(0, end, _COUNTED))
