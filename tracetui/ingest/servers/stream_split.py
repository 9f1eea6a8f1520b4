"""Split a response into whole JSON documents while it arrives.

A search response is one long list. A pattern finds the boundaries between items; decoding the piece before a match
verifies that it is a boundary and not within a string.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tracetui.ingest.json_member_limit import Surplus, without_surplus
from tracetui.ingest.json_value_limit import close_brackets
from tracetui.model.json_decoding import MALFORMED, RAW

_FIRST_BYTES: Final = 1 << 16
_MAX_BYTES: Final = 1 << 23
"""Largest piece; larger ones are not decoded faster, as they exceed the caches."""
_GROWTH: Final = 4
_FIRST_SECONDS: Final = 0.2
_MAX_SECONDS: Final = 2.0
_SEARCHED: Final = 1 << 20
_OVERLAP: Final = 1 << 12
"""Largest size of a boundary, which may lie across two windows."""
_LARGEST: Final = 1 << 28
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


class ManyMembersError(Exception):
    """A list or an object of the response has more small members than any traces, and may never end."""

    def __init__(self, surplus: Surplus) -> None:
        super().__init__(str(surplus))


def split_stream(chunks: Iterable[bytes], shape: Shape) -> Iterator[bytes]:
    """Yield the pieces of a response, small at first and then larger; all of it if it cannot be split, and nothing for
    an empty list.

    Raises ManyMembersError after the piece with these members, which is yielded without the surplus, and TooLargeError
    after the beginning of the piece that is too large.
    Exceptions of `chunks` are raised after the bytes received before them were yielded.
    """
    waiting = _Waiting(shape)
    bytes_due, seconds_due = _FIRST_BYTES, _FIRST_SECONDS
    begun = time.monotonic()
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
        waiting.data += chunk
        size = len(waiting.data)
        if size > _LARGEST:
            # what precedes the large item, or its beginning
            yield close_brackets(waiting.rest()[:_MAX_BYTES])
            raise TooLargeError
        if size < bytes_due and time.monotonic() - begun < seconds_due:
            continue
        piece = waiting.cut()
        if piece:
            yield from _within_limit(piece)
            bytes_due = min(bytes_due * _GROWTH, _MAX_BYTES)
        else:
            bytes_due *= 2
            if size > _MAX_BYTES:
                # a single trace, or an endless list of other members
                surplus = without_surplus(waiting.rest())
                if surplus is not None:
                    yield close_brackets(surplus.text)
                    raise ManyMembersError(surplus)
        seconds_due = min(seconds_due * 2, _MAX_SECONDS)
        begun = time.monotonic()
    if waiting.data and not waiting.is_empty_response():
        yield from _within_limit(waiting.rest())
    if failed is not None:
        raise failed


def _within_limit(piece: bytes) -> Iterator[bytes]:
    """Yield a piece without surplus members. Raises ManyMembersError afterwards if it had any."""
    surplus = without_surplus(piece)
    yield surplus.text if surplus else piece
    if surplus:
        raise ManyMembersError(surplus)


class _Waiting:
    """Bytes that were received and not yet cut off."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._is_first = True
        self._without_boundary = 0
        """Size of the beginning that contains no boundary."""
        self.data = bytearray()

    def cut(self) -> bytes:
        """Cut whole items from the beginning. -> a document of them; b"" if there is no boundary"""
        # matches within strings are rare; try the one before as well
        for cut in reversed(self._boundaries()):
            with memoryview(self.data) as view, view[:cut] as items:
                piece = b"".join((self._opening(), items, self._shape.closing))
            if _is_valid_json(piece):
                del self.data[: cut + 1]
                self._is_first, self._without_boundary = False, 0
                return piece
        return b""

    def rest(self) -> bytes:
        """Return everything as a document, perhaps with its end missing."""
        return self._opening() + bytes(self.data)

    def is_empty_response(self) -> bool:
        return self._is_first and self._shape.empty.fullmatch(self.data) is not None

    def _opening(self) -> bytes:
        return b"" if self._is_first else self._shape.opening

    def _boundaries(self) -> list[int]:
        """Find the last two boundaries, of one window: each byte is searched once, and in bounded steps."""
        end = len(self.data)
        while end > self._without_boundary:
            begin = max(end - _SEARCHED, 0)
            matches = self._shape.between.finditer(self.data, begin, end + _OVERLAP)
            found = deque((match.start("cut") for match in matches), maxlen=2)
            if found:
                return list(found)
            end = begin
        self._without_boundary = max(len(self.data) - _OVERLAP, 0)
        return []


def _is_valid_json(piece: bytes) -> bool:
    try:
        RAW.decode(piece)
    except MALFORMED:
        return False
    return True
