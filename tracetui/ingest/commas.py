"""JSON in which nothing is wrong but that commas stand where no item follows, as templates and people write it."""

from __future__ import annotations

import re

import msgspec

from tracetui.ingest.buffers import Buffer
from tracetui.model.decoding import MALFORMED

_TO_COMMA = re.compile(
    rb'(?:[^",]++|"(?:[^"\\]++|\\.)*+"|,(?![ \t\r\n]*+[\]},]))*+(?P<comma>,)(?=[ \t\r\n]*+[\]},])', re.DOTALL
)
_VALUE = msgspec.json.Decoder(msgspec.Raw)


def without_commas(data: Buffer, start: int) -> tuple[bytes, list[int]] | None:
    """The value that begins at `start` with blanks in place of commas before a bracket or another comma, and where
    these stand; None if that is not all that is wrong with it.
    """
    text = bytearray(data)
    places = []
    match = _TO_COMMA.match(text, start)
    while match:
        places.append(match.start("comma"))
        match = _TO_COMMA.match(text, match.end())
    for place in places:
        text[place : place + 1] = b" "
    written = bytes(text[start:])
    try:
        _VALUE.decode(written)
    except MALFORMED:
        return None
    return (written, places) if places else None
