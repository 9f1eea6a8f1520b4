"""Search of many names by parts of them, for the palette."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np

_LINE_BREAK = ord("\n")


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
        key = min(words, key=self._text.count)
        rest = [word for word in words if word is not key]
        found: dict[int, None] = {}
        for needle in (f"\n{key}", key):
            for row in self._rows(needle):
                if len(found) == most:
                    break
                if not rest or all(word in self.lowered(row) for word in rest):
                    found[row] = None
        return list(found)

    def _rows(self, needle: str) -> Iterator[int]:
        """Yield the names with a text, each once."""
        at = self._text.find(needle)
        while at >= 0:
            row = bisect_right(self._starts, at + needle.startswith("\n")) - 1
            yield row
            # the line break before the next name belongs to it
            at = self._text.find(needle, self._starts[row + 1] - 1)
