"""JSON with surplus commas only, as templates and people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from tracetui.ingest.buffers import Buffer
from tracetui.model.decoding import MALFORMED

_TO_COMMA = re.compile(
    rb'(?:[^",]++|"(?:[^"\\]++|\\.)*+"|,(?![ \t\r\n]*+[\]},]))*+(?P<commas>(?:,[ \t\r\n]*+(?=[\]},]))++)', re.DOTALL
)
_BLANK = b" "
_VALUE = msgspec.json.Decoder(msgspec.Raw)


@dataclass(slots=True)
class Commas:
    """Superfluous commas: how many there are, and at which byte the first one stands."""

    count: int = 0
    first: int = -1

    def add(self, first: int, count: int = 1) -> None:
        """Count commas that stand behind those before."""
        if not self.count:
            self.first = first
        self.count += count


def without_commas(data: Buffer, start: int) -> tuple[bytes, Commas] | None:
    """The value that begins at `start` with blanks in place of commas before a bracket or another comma, and these
    commas; None if that is not all that is wrong with it.
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
        _VALUE.decode(written)
    except MALFORMED:
        return None
    return written, found
