"""JSON whose only fault is surplus commas, as from templates and manual edits."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MALFORMED, RAW

_TO_COMMA = re.compile(
    rb'(?:[^",]++|"(?:[^"\\]++|\\.)*+"|,(?![ \t\r\n]*+[\]},]))*+(?P<commas>(?:,[ \t\r\n]*+(?=[\]},]))++)', re.DOTALL
)
_BLANK = b" "


@dataclass(slots=True)
class Commas:
    """Number of surplus commas, and the byte position of the first one."""

    count: int = 0
    first: int = -1

    def add(self, first: int, count: int = 1) -> None:
        """Count further commas."""
        if not self.count:
            self.first = first
        self.count += count


def without_commas(data: Buffer, start: int) -> tuple[bytes, Commas] | None:
    """Replace commas before a bracket or another comma by blanks, from `start` on.

    -> the value and these commas; None if it has other faults
    """
    text = bytearray(data)
    found = Commas()
    match = _TO_COMMA.match(data, start)
    while match:
        at, end = match.span("commas")
        found.add(at, match["commas"].count(b","))
        text[at:end] = _BLANK * (end - at)
        match = _TO_COMMA.match(data, match.end())
    if not found.count:
        return None
    written = bytes(memoryview(text)[start:])
    try:
        RAW.decode(written)
    except MALFORMED:
        return None
    return written, found
