"""Search for attributes in the raw attribute lists of many spans at once, with numpy.

The lists are joined in one buffer. If every object in them is a value or begins like the first one, `{"key":"`, then
the text between the beginnings of two objects is one attribute, and spans whose wanted attributes have equal texts get
the same decision. Other spans are reported and need another method.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_WORD: Final = 8
_LONGEST: Final = 256
"""Longest attribute in bytes that is compared."""
_OPENING: Final = re.compile(rb'\{\s{0,100}"key"\s{0,20}:\s{0,20}"')
_VALUES: Final = tuple(
    b'{"' + name[:6]
    for name in (b"stringValue", b"intValue", b"boolValue", b"doubleValue", b"bytesValue", b"arrayValue", b"values")
)
"""Beginnings of OTLP values in a list without blanks, except those that hold attributes themselves."""
_MASKS: Final = np.array([(1 << 8 * count) - 1 for count in range(_WORD)] + [2**64 - 1], np.uint64)
# random per process, so that no input can be made to collide
_FACTORS: Final = np.frombuffer(os.urandom(16), np.uint64) | np.uint64(1)
_SHIFT: Final = np.uint64(29)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Scan result. Spans with equal `texts` have the same wanted attributes if `plain` is true."""

    texts: np.ndarray
    """uint64[spans]"""
    plain: np.ndarray
    """bool[spans]"""


class AttributeScanner:
    """Looks for attributes with these keys in lists of `{"key": ..., "value": ...}`."""

    def __init__(self, keys: Iterable[str]) -> None:
        by_first: dict[tuple[int, int], list[list[tuple[int, int]]]] = {}
        for key in dict.fromkeys(keys):
            first, *rest = _words(key.encode() + b'"')
            by_first.setdefault(first, []).append(rest)
        self._keys = by_first

    def scan(self, raws: Sequence[bytes]) -> ScanResult:
        """Find the wanted attributes of each span."""
        count = len(raws)
        text = b"\n".join([*raws, bytes(_LONGEST + _WORD)])
        sizes = np.fromiter(map(len, raws), np.int64, count) + 1
        ends = np.cumsum(sizes)
        opening = _OPENING.search(text)
        if opening is None:
            empty = np.fromiter((raw in (b"", b"[]", b"null") for raw in raws), bool, count)
            return ScanResult(np.zeros(count, np.uint64), empty)
        words: np.ndarray = np.ndarray((len(text) - _WORD + 1,), "<u8", text, strides=(1,))
        braces = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("{"))
        begins, odd = _objects(words, braces, opening[0])
        keys = begins + len(opening[0])
        span = np.searchsorted(ends, begins, side="right")
        plain = np.ones(count, bool)
        plain[np.searchsorted(ends, odd, side="right")] = False
        wanted = self._wanted(words, keys)
        at, of = begins[wanted], span[wanted]
        following = wanted + 1
        beyond = np.append(begins, len(text))[following]
        length = np.minimum(beyond, ends[of]) - at
        plain[of[length > _LONGEST]] = False
        return ScanResult(_combined(_hashes(words, at, np.minimum(length, _LONGEST)), of, count), plain)

    def _wanted(self, words: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Find the wanted keys. -> int64[m], their indices, ascending"""
        first = words[keys]
        found = []
        for (mask, word), rests in self._keys.items():
            hits = np.flatnonzero((first & np.uint64(mask)) == np.uint64(word))
            for rest in rests:
                left = hits
                for step, (more, then) in enumerate(rest, 1):
                    left = left[(words[keys[left] + step * _WORD] & np.uint64(more)) == np.uint64(then)]
                found.append(left)
        return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)


def _words(text: bytes) -> list[tuple[int, int]]:
    """Split a text into machine words, each with a mask."""
    parts = [text[at : at + _WORD] for at in range(0, len(text), _WORD)]
    return [((1 << 8 * len(part)) - 1, int.from_bytes(part, "little")) for part in parts]


def _objects(words: np.ndarray, braces: np.ndarray, opening: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Classify braces. -> beginnings of attributes; braces that begin neither one nor a known value"""
    is_key = np.ones(len(braces), bool)
    first = words[braces]
    for step, (mask, word) in enumerate(_words(opening)):
        is_key &= ((first if not step else words[braces + step * _WORD]) & np.uint64(mask)) == np.uint64(word)
    begins: np.ndarray = braces[is_key]
    if len(begins) == len(braces):
        return begins, braces[:0]
    others = ~is_key
    rest = first[others]
    known = np.zeros(len(rest), bool)
    for value in _VALUES:
        known |= rest == np.uint64(int.from_bytes(value, "little"))
    odd: np.ndarray = braces[others][~known]
    return begins, odd


def _hashes(words: np.ndarray, at: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Hash the texts. -> uint64[m]"""
    hashes: np.ndarray = length.astype(np.uint64) * _FACTORS[1]
    live = np.arange(len(at))
    for step in range(0, int(length.max(initial=0)), _WORD):
        live = live[length[live] > step]
        kept = _MASKS[np.minimum(length[live] - step, _WORD)]
        mixed = (hashes[live] ^ (words[at[live] + step] & kept)) * _FACTORS[0]
        hashes[live] = mixed ^ (mixed >> _SHIFT)
    return hashes


def _combined(hashes: np.ndarray, span: np.ndarray, spans: int) -> np.ndarray:
    """Combine the hashes of each span in their order. -> uint64[spans], 0 for none"""
    bounds = np.searchsorted(span, np.arange(spans + 1))
    position = (np.arange(len(span)) - bounds[span]).astype(np.uint64)
    mixed = (hashes ^ position) * _FACTORS[1]
    mixed ^= mixed >> _SHIFT
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed * _FACTORS[0], dtype=np.uint64)])
    together: np.ndarray = total[bounds[1:]] - total[bounds[:-1]]
    return together
