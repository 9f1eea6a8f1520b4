"""Search of many names by parts of them, for the palette."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tracetui.model.traces import TraceSet

_LINE_BREAK = ord("\n")
_MAX_EXAMINED = 2_000
"""Largest number of names that are looked at one by one."""


class NameIndex:
    """Names that contain words, found in one text of all names, which is faster than a loop over them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        text = "\n".join(names)
        if text.count("\n") >= max(len(names), 1):
            text = "\n".join(name.replace("\n", " ") for name in names)
        # one name a line
        self._text = f"\n{text.lower()}\n"
        codes = np.frombuffer(self._text.encode("utf-32-le", "surrogatepass"), np.uint32)
        self._starts: list[int] = (np.flatnonzero(codes == _LINE_BREAK) + 1).tolist()
        """Start of each name in the text, and the end of the text."""

    def lowered(self, row: int) -> str:
        """Return a name in lower case."""
        return self._text[self._starts[row] : self._starts[row + 1] - 1]

    def find(self, words: Sequence[str], most: int) -> list[int]:
        """Return up to `most` positions of names that contain these lower-case words, those that begin with the rarest
        word first; without words the first names.
        """
        if not words:
            return list(range(min(most, len(self.names))))
        if any(word not in self._text for word in words):
            return []
        # the rarest word leaves the fewest names to look at
        key, *rest = sorted(words, key=self._text.count)
        examined = 0
        found: dict[int, None] = {}
        for needle in (f"\n{key}", key):
            for row in self._rows(needle):
                if len(found) == most:
                    break
                examined += 1
                if rest and examined > _MAX_EXAMINED:
                    return self._find_common(key, rest)[:most]
                if not rest or all(word in self.lowered(row) for word in rest):
                    found[row] = None
        return list(found)

    def _find_common(self, key: str, rest: Sequence[str]) -> list[int]:
        """Return the positions of names that contain all of these words, those that begin with `key` first.

        Takes no step of Python code per name, which many names with common words would need.
        """
        starts = np.array(self._starts, np.int64)
        found, begins = self._rows_with(key, starts)
        for word in rest:
            if found.any():
                found &= self._rows_with(word, starts)[0]
        return [*np.flatnonzero(found & begins).tolist(), *np.flatnonzero(found & ~begins).tolist()]

    def _rows_with(self, word: str, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the names that contain a word, and those that begin with it: bool[names + 1] each."""
        lengths = np.fromiter(map(len, self._text.split(word)), np.int64)[:-1]
        at = np.cumsum(lengths + len(word)) - len(word)
        rows = np.searchsorted(starts, at, "right") - 1
        found, begins = np.zeros(len(starts), bool), np.zeros(len(starts), bool)
        found[rows] = True
        begins[rows[starts[rows] == at]] = True
        return found, begins

    def _rows(self, needle: str) -> Iterator[int]:
        """Yield the names with a text, each once."""
        at = self._text.find(needle)
        while at >= 0:
            row = bisect_right(self._starts, at + needle.startswith("\n")) - 1
            yield row
            # the line break before the next name belongs to it
            at = self._text.find(needle, self._starts[row + 1] - 1)


def service_index(loaded: TraceSet) -> NameIndex:
    """Return the index of the services of a set, which keeps it."""
    return _kept(loaded, "services", loaded.services)


def operation_index(loaded: TraceSet) -> NameIndex:
    """Return the index of the operations of a set, which keeps it."""
    return _kept(loaded, "operations", loaded.shapes)


def _kept(loaded: TraceSet, what: str, names: Sequence[str]) -> NameIndex:
    kept: dict[object, Any] = loaded.results
    if (NameIndex, what) not in kept:
        kept[NameIndex, what] = NameIndex(names)
    index: NameIndex = kept[NameIndex, what]
    return index
