"""Split a response into whole JSON documents while it arrives.

A search response is one long list. A pattern finds the boundaries between items; decoding the piece before a match
verifies that it is a boundary and not within a string.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tracetui.model.json_decoding import MALFORMED, RAW

_FIRST_BYTES: Final = 1 << 16
_MAX_BYTES: Final = 1 << 23
"""Largest piece; larger ones are not decoded faster, as they exceed the caches."""
_GROWTH: Final = 4
_FIRST_SECONDS: Final = 0.2
_MAX_SECONDS: Final = 2.0
_SEARCHED: Final = 1 << 20
_LARGEST: Final = 1 << 29
"""Largest number of bytes without a boundary: more than any one trace, but within the memory."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Layout of a list of traces."""

    opening: bytes
    """Text put before a piece that is not the first."""
    closing: bytes
    """Text put after a piece that is not the last."""
    between: re.Pattern[bytes]
    """Text from the end of an item to the beginning of the next; its group `cut` is the comma between them."""
    empty: re.Pattern[bytes]
    """Whole response without items."""


JAEGER_V1: Final = Shape(
    b'{"data":[',
    b"]}",
    # Jaeger writes the id first, VictoriaTraces the processes
    re.compile(rb'\}\s*(?P<cut>,)\s*\{\s*(?:"traceID"\s*:\s*"[0-9a-fA-F]+"\s*,\s*"spans"|"processes")\s*:'),
    re.compile(
        rb'\s*\{\s*"data"\s*:\s*(?:\[\s*\]|null)(?:\s*,\s*"(?:total|limit|offset|errors)"\s*:\s*(?:\d+|null|\[\s*\]))*'
        rb"\s*\}\s*"
    ),
)
OTLP: Final = Shape(
    b'{"result":{"resourceSpans":[',
    b"]}}",
    re.compile(rb'\}\s*(?P<cut>,)\s*\{\s*"resource"\s*:'),
    re.compile(rb'\s*\{\s*"result"\s*:\s*\{\s*(?:"resourceSpans"\s*:\s*\[\s*\]\s*)?\}\s*\}\s*'),
)
ZIPKIN: Final = Shape(b"[", b"]", re.compile(rb"\]\s*(?P<cut>,)\s*\["), re.compile(rb"\s*\[\s*\]\s*"))


class TooLargeError(Exception):
    """More bytes arrived without a boundary than fit into memory."""


def split_stream(chunks: Iterable[bytes], shape: Shape) -> Iterator[bytes]:
    """Yield the pieces of a response, small at first and then larger; all of it if it cannot be split, and nothing for
    an empty list.

    Raises TooLargeError. Exceptions of `chunks` are raised after the bytes received before them were yielded.
    """
    waiting = bytearray()
    bytes_due, seconds_due = _FIRST_BYTES, _FIRST_SECONDS
    begun, is_first = time.monotonic(), True
    failed: Exception | None = None
    source = iter(chunks)
    while True:
        try:
            chunk = next(source, None)
        except Exception as error:
            # keep what was received before the failure
            failed = error
            chunk = None
        if chunk is None:
            break
        waiting += chunk
        if len(waiting) > _LARGEST:
            raise TooLargeError
        if len(waiting) < bytes_due and time.monotonic() - begun < seconds_due:
            continue
        piece, size = _cut(waiting, shape, is_first)
        if size:
            yield piece
            del waiting[:size]
            is_first = False
            bytes_due = min(bytes_due * _GROWTH, _MAX_BYTES)
        else:
            bytes_due *= 2
        seconds_due = min(seconds_due * 2, _MAX_SECONDS)
        begun = time.monotonic()
    if waiting and not (is_first and shape.empty.fullmatch(waiting)):
        yield bytes(waiting) if is_first else shape.opening + bytes(waiting)
    if failed is not None:
        raise failed


def _cut(waiting: bytearray, shape: Shape, is_first: bool) -> tuple[bytes, int]:
    """Cut whole items from the beginning of the received bytes. -> a document of them and their size; 0 for none"""
    begin = max(len(waiting) - _SEARCHED, 0)
    while True:
        found = [match.start("cut") for match in shape.between.finditer(waiting, begin)]
        # matches within strings are rare; try the one before as well
        for cut in found[:-3:-1]:
            with memoryview(waiting) as view, view[:cut] as items:
                piece = b"".join((b"" if is_first else shape.opening, items, shape.closing))
            if _is_valid_json(piece):
                return piece, cut + 1
        if not begin or found:
            return b"", 0
        begin = 0


def _is_valid_json(piece: bytes) -> bool:
    try:
        RAW.decode(piece)
    except MALFORMED:
        return False
    return True
