"""Limit on the members of one JSON list or object, as millions of small ones take many times their size once decoded.

No list or object of traces has as many small members: attributes of a span number hundreds, and the spans and traces of
long lists are larger. The surplus is dropped before anything is decoded.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from tracetui.ingest.source_bytes import Buffer, format_size

MAX_MEMBERS: Final = 250_000
"""Largest number of small members of one list or object; decoded, they take up to 300 MiB."""
_SMALL_BYTES: Final = 64
"""Members are small if they have fewer bytes than this on average; spans have more."""
_MIN_BYTES: Final = 2 * MAX_MEMBERS
"""Size of the shortest text with too many members."""
_WINDOW: Final = 1 << 18
_SAMPLE: Final = 1 << 14
_MIN_SAMPLES: Final = 16
_SAMPLE_EVERY: Final = 1 << 22
_SAMPLED_DEPTH: Final = 256
"""Depth at the beginning of a sample, whose true depth is unknown: an upper bound."""
_DEEPEST: Final = 512
"""Deepest list or object whose members are counted; nothing deeper is decoded."""
_QUOTE: Final = ord('"')
_COMMA: Final = ord(",")
_STRUCTURAL: Final = np.isin(np.arange(256), list(b'",[]{}'))
_STEPS: Final = np.zeros(256, np.int64)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1
# random per process, so that no input can be made to look harmless at the sampled positions
_random: Final = random.Random()


class Surplus(NamedTuple):
    """JSON text without surplus members."""

    text: bytes
    first: int
    """Position of the first dropped member in the source."""
    size: int
    """Number of dropped bytes."""

    def __str__(self) -> str:
        return (
            f"more than {MAX_MEMBERS:,} small members in a list or object; the rest of its members, from byte "
            f"{self.first:,} on, were skipped ({format_size(self.size)} in all)"
        )


def without_surplus(data: Buffer) -> Surplus | None:
    """Drop the members of each list or object beyond MAX_MEMBERS small ones; None if there are none.

    data: one JSON value. If it is damaged, members after the damage may be counted wrongly.
    """
    if len(data) < _MIN_BYTES or not _may_have_surplus(data):
        return None
    dropped = list(_surplus(data))
    if not dropped:
        return None
    begins = [0, *(end for _, end in dropped)]
    ends = [*(begin for begin, _ in dropped), len(data)]
    text = b"".join(data[begin:end] for begin, end in zip(begins, ends, strict=True))
    return Surplus(text, dropped[0][0], len(data) - len(text))


class _Structure(NamedTuple):
    """Commas and brackets of a window, outside strings."""

    at: np.ndarray
    """int64[n], positions in the window"""
    depth: np.ndarray
    """int64[n], nesting depth after each; a comma is at the depth of its list or object"""
    of_earlier: np.ndarray
    """bool[n], commas of lists and objects that are open at the beginning of the window"""
    of_later: np.ndarray
    """bool[n], other commas of lists and objects that are open at its end"""
    is_in_string: bool
    """True if the window ends within a string."""
    is_escaping: bool
    """True if the window ends with a backslash that escapes the next byte."""


def _structure(text: bytes, depth: int, is_in_string: bool) -> _Structure:
    """Find the structure of a window that begins at this depth."""
    if b"\\" in text:
        # replace pairs first, from the left: any backslash that remains escapes the next byte
        text = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    codes = np.frombuffer(text, np.uint8)
    at = np.flatnonzero(_STRUCTURAL[codes])
    found = codes[at]
    quotes = found == _QUOTE
    inside = (np.cumsum(quotes) & 1).astype(bool) ^ is_in_string
    ends_inside = bool(inside[-1]) if len(inside) else is_in_string
    kept = ~quotes & ~inside
    at, found = at[kept], found[kept]
    depths = depth + np.cumsum(_STEPS[found])
    commas = (found == _COMMA) & (depths > 0) & (depths <= _DEEPEST)
    of_earlier = commas & (np.minimum(np.minimum.accumulate(depths), depth) >= depths)
    of_later = commas & ~of_earlier & (np.minimum.accumulate(depths[::-1])[::-1] >= depths)
    return _Structure(at, depths, of_earlier, of_later, ends_inside, text.endswith(b"\\"))


def _small_members(found: _Structure, commas: np.ndarray, size: int) -> np.ndarray:
    """Count commas by depth in a window of this size, where their members are small: int64[depths]."""
    counts = np.bincount(found.depth[commas], minlength=_DEEPEST + 1)
    return np.where(counts * _SMALL_BYTES > size, counts, 0)


def _may_have_surplus(data: Buffer) -> bool:
    """Test samples for a list or object with many small members."""
    count = max(len(data) // _SAMPLE_EVERY, _MIN_SAMPLES)
    spacing = len(data) // count
    for i in range(count):
        begin = i * spacing + _random.randrange(max(spacing - _SAMPLE, 1))
        sample = data[begin : begin + _SAMPLE]
        for is_in_string in (False, True):
            found = _structure(sample, _SAMPLED_DEPTH, is_in_string)
            if any(_small_members(found, commas, len(sample)).any() for commas in (found.of_earlier, found.of_later)):
                return True
    return False


def _surplus(data: Buffer) -> Iterator[tuple[int, int]]:
    """Yield the stretches of surplus members, each from the comma before them to the closing bracket."""
    counts = np.zeros(_DEEPEST + 1, np.int64)
    depth, is_in_string, is_escaping = 0, False, False
    dropping, begin = 0, 0
    for start in range(0, len(data), _WINDOW):
        text = data[start : start + _WINDOW]
        found = _structure(b"_" + text[1:] if is_escaping else text, depth, is_in_string)
        is_in_string, is_escaping = found.is_in_string, found.is_escaping
        if not len(found.at):
            continue
        first = 0
        if not dropping:
            members = _small_members(found, found.of_earlier, len(text))
            counts += members
            crowded = np.flatnonzero((members > 0) & (counts > MAX_MEMBERS))
            if len(crowded):
                dropping = int(crowded[0])
                commas = np.flatnonzero(found.of_earlier & (found.depth == dropping))
                first = int(commas[max(len(commas) - int(counts[dropping] - MAX_MEMBERS), 0)])
                begin = start + int(found.at[first])
        if dropping:
            closing = np.flatnonzero(found.depth[first:] < dropping)
            if len(closing):
                yield begin, start + int(found.at[first + closing[0]])
                counts[dropping:] = 0
                dropping = 0
        depth = int(found.depth[-1])
        # lists and objects at these depths have ended; the next ones are counted from 0
        counts[min(max(int(found.depth.min()), 0), _DEEPEST) + 1 :] = 0
        counts += _small_members(found, found.of_later, len(text))
    if dropping:
        yield begin, len(data)
