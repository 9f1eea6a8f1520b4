"""Sources with one JSON value per line."""

from __future__ import annotations

import re
from itertools import islice

from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import is_valid_json

_LINE_BEGINS = re.compile(rb"\n[ \t\r\n]*+(?=[{\[](?![\r\n])[^\n]*[}\]][ \t\r\f\v]*(?:\n|\Z))")
"""Beginning of a line that may be JSON by its first and last characters."""
_MAX_FAILURES = 50_000
"""Lines that look like JSON but are not, after which the search stops."""
_CONTINUES = b",[{:"
"""Last characters of a line that the next one continues, as in a list with one item per line."""
_LAST_BYTES = 4096
_MORE = re.compile(rb"\s*\S")
_COUNTED = 1 << 24


def json_line(data: Buffer, start: int, *, first: bool) -> bytes | None:
    """Find the first line that is a JSON list or object by itself; None without one.

    first: consider only the line that begins at `start`, and only if it is not the last.
    """
    if first:
        end = data.find(b"\n", start)
        line = data[start:end].strip() if end >= 0 and _MORE.match(data, end) else b""
        return line if is_valid_json(line) else None
    for found in islice(_LINE_BEGINS.finditer(data, start), _MAX_FAILURES):
        before = data[max(found.start() - _LAST_BYTES, start) : found.start()].rstrip()[-1:]
        if not before or before in _CONTINUES:
            continue
        end = data.find(b"\n", found.end())
        line = data[found.end() : end if end >= 0 else len(data)].strip()
        if is_valid_json(line):
            return line
    return None


def line_cuts(data: Buffer, start: int, shares: int) -> list[int]:
    """Cut the source at line ends into this many shares of similar size. -> their boundaries"""
    size = len(data)
    cuts = [start]
    for i in range(1, shares):
        cut = data.find(b"\n", start + (size - start) * i // shares)
        cuts.append(size if cut < 0 else cut + 1)
    return [*cuts, size]


def count_lines(data: Buffer, end: int) -> int:
    """Count the lines that end before a position."""
    return sum(data[at : min(at + _COUNTED, end)].count(b"\n") for at in range(0, end, _COUNTED))
