"""Raw bytes of spans in several pieces, and the search in them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pickle import PickleBuffer

import numpy as np


class SpanBytes:
    """Raw bytes of many spans in a few large pieces, accessed by position."""

    def __init__(self, pieces: Sequence[bytes | memoryview]) -> None:
        self._pieces = list(pieces)
        self.starts = [0]
        for piece in self._pieces[:-1]:
            self.starts.append(self.starts[-1] + len(piece))

    def __reduce_ex__(self, protocol: object) -> tuple[type[SpanBytes], tuple[list[PickleBuffer]]]:
        """Pickle the pieces out of band."""
        return SpanBytes, ([PickleBuffer(piece) for piece in self._pieces],)

    @property
    def size(self) -> int:
        """Size of all pieces in bytes."""
        return self.starts[-1] + len(self._pieces[-1]) if self._pieces else 0

    def read(self, at: int, size: int) -> bytes:
        if not size:
            return b""
        piece = bisect_right(self.starts, at) - 1
        at -= self.starts[piece]
        return bytes(self._pieces[piece][at : at + size])

    def read_each(self, at: np.ndarray, sizes: np.ndarray) -> Iterator[bytes]:
        """Read many stretches of bytes, most of them close to each other: at, sizes int64[m]."""
        begin, window = 0, b""
        for low, size in zip(at.tolist(), sizes.tolist(), strict=True):
            position = low - begin
            if position < 0 or position + size > len(window):
                piece = bisect_right(self.starts, low) - 1
                start = self.starts[piece]
                begin = max(low - _BEHIND_BYTES, start)
                end = max(low + size, begin + _NEAR_BYTES)
                window = bytes(self._pieces[piece][begin - start : end - start])
                position = low - begin
            yield window[position : position + size]

    def holding(self, needle: bytes, at: np.ndarray, sizes: np.ndarray, *, ignore_case: bool = False) -> np.ndarray:
        """Test which stretches of bytes contain a text: at, sizes int64[m] -> bool[m].

        `ignore_case` ignores the case of ASCII letters; the needle must be in lower case.
        """
        held = np.zeros(len(at), bool)
        order = np.argsort(at, kind="stable")
        ordered = at[order]
        starts = np.array(self.starts)
        edges = np.searchsorted(ordered, np.append(starts[1:], np.iinfo(np.int64).max))
        first = 0
        for piece, start, last in zip(self._pieces, self.starts, edges.tolist(), strict=False):
            while first < last:
                # a window at a time, as other buffers than bytes must be copied to be searched
                until = min(int(np.searchsorted(ordered, ordered[first] + _WINDOW_BYTES)), last)
                rows = order[first:until]
                begins = ordered[first:until] - start
                held[rows] = _holding(piece, needle, begins, begins + sizes[rows], ignore_case)
                first = until
        return held


_NEAR_BYTES = 1 << 14
_BEHIND_BYTES = 1 << 12
"""Bytes of slack for spans that are not in the order of their bytes, as children may precede their parents."""
_WINDOW_BYTES = 1 << 22
_SPARSE = 8
"""Stretches whose total is less than 1/8 of the range around them are searched one at a time."""


def _holding(
    piece: bytes | memoryview, needle: bytes, begins: np.ndarray, ends: np.ndarray, ignore_case: bool
) -> np.ndarray:
    """Test which stretches begins[i]:ends[i] contain a text: bool[m]. They are sorted by begin."""
    low, high = int(begins[0]), int(ends.max())
    if not needle.isascii() and bytes(piece[low:high]).isascii():
        return np.zeros(len(begins), bool)
    if int((ends - begins).sum()) * _SPARSE < high - low:
        pairs = zip(begins.tolist(), ends.tolist(), strict=True)
        parts = (bytes(piece[begin:end]) for begin, end in pairs)
        return np.array([needle in (part.lower() if ignore_case else part) for part in parts], bool)
    if ignore_case:
        text, base = bytes(piece[low:high]).lower(), low
    else:
        # search bytes in place, as copying takes longer than the search
        text, base = (piece, 0) if isinstance(piece, bytes) else (bytes(piece[low:high]), low)
    until = high - base
    if text.find(needle, low - base, until) < 0:
        return np.zeros(len(begins), bool)
    # find the first match at or after each begin; loop over whichever are fewer
    found: list[int] = []
    sought = (begins - base).tolist()
    count, row = len(sought), 0
    while row < count and (position := text.find(needle, sought[row], until)) >= 0:
        found.append(position)
        row += 1
        if row < count and sought[row] <= position:
            row = bisect_right(sought, position, row)
    positions = np.array([*found, until], np.int64) + base
    held: np.ndarray = positions[np.searchsorted(positions, begins)] + len(needle) <= ends
    return held
