"""Regular expressions from users, with a time limit and without blocking other threads.

The syntax is that of `re`. But `re` blocks other threads while it searches, and some patterns practically never end
("(a|aa)+$"). Searches that may take long use `regex`, which releases the lock and has a timeout.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from math import factorial
from time import perf_counter
from typing import Final

import regex

_PLAIN_GROUP: Final = re.compile(r"(?<!\\)\((?:\?:)?[^][()*+?{|\\]+\)")
"""Group that is as simple as one character, because it can match in only one way."""
_REPEATED_GROUP: Final = re.compile(r"\)\s*[*+{]|\(\?(?:#|[A-Za-z-]*x)")
"""Group that may be repeated; blanks and comments may precede the quantifier."""
_UNBOUNDED: Final = re.compile(r"[*+{]")
_CHOICE: Final = re.compile(r"[?|]")
_ONLY_IN_REGEX: Final = re.compile(r"(\\N\{[^}]*\}|\\.)|\{(?!\d*,?\d*\})|\[:", re.DOTALL)
"""Syntax that is special in `regex` but not in `re`: `{e<=1}` and `[:alpha:]`. Escapes are skipped."""

_VERY_FEW_STEPS: Final = 50_000
"""Steps of `re` that take some tenths of a millisecond, too short to check the clock."""
_FEW_STEPS: Final = 5_000_000
"""Steps of `re` that take some hundredths of a second, for which other threads can wait."""
_MAX_SIGNS: Final = 20
_SECONDS: Final = 2.0
_SECONDS_PER_TEXT: Final = 20e-6
"""Seconds that each text adds to the time limit, so that many texts do not count against the pattern."""


class SlowPatternError(Exception):
    """A search would take too long. The position in the query is that of its pattern."""

    def __init__(self, position: int, length: int, searched: str) -> None:
        super().__init__(f"takes too long on a text of {len(searched):,} characters; use a simpler pattern")
        self.position = position
        self.length = length


class Pattern:
    """Regular expression and its position in the query. Raises the exceptions of `re.compile`."""

    __slots__ = ("_exact", "_ignores_case", "_longest", "_longest_unmeasured", "_position", "_stoppable", "_written")

    def __init__(self, written: str, position: int, length: int, *, ignores_case: bool = False) -> None:
        self._written = written
        self._position = position, length
        self._ignores_case = ignores_case
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._exact = re.compile(written, re.IGNORECASE if ignores_case else 0)
        self._longest_unmeasured = _longest_text(written, _VERY_FEW_STEPS)
        self._longest = _longest_text(written, _FEW_STEPS)
        self._stoppable: regex.Pattern[str] | None = None

    def ignoring_case(self) -> Pattern:
        """Return the same pattern without regard to case."""
        return Pattern(self._written, *self._position, ignores_case=True)

    def test(self) -> Callable[[str], bool]:
        """Build a test for a match in a text. It raises SlowPatternError if all texts together take too long."""
        unmeasured, longest, search, clock = self._longest_unmeasured, self._longest, self._exact.search, perf_counter
        left = _SECONDS

        def found(text: str) -> bool:
            nonlocal left
            if len(text) <= unmeasured:
                return search(text) is not None
            begin = clock()
            holds = search(text) is not None if len(text) <= longest else self._search(text, left)
            left += _SECONDS_PER_TEXT - (clock() - begin)
            if left <= 0:
                raise SlowPatternError(*self._position, text)
            return holds

        return found

    def _search(self, text: str, seconds: float) -> bool:
        if self._stoppable is None:
            self._stoppable = _stoppable(self._written, ignores_case=self._ignores_case)
        try:
            return self._stoppable.search(text, timeout=seconds, concurrent=True) is not None
        except (TimeoutError, MemoryError):
            raise SlowPatternError(*self._position, text) from None


def _longest_text(written: str, steps: int) -> int:
    """Compute the length of the longest text that cannot take more steps; -1 if no text is short enough.

    In the worst case each unbounded repeat ends anywhere after the previous one, and all choices are tried, from every
    start.
    """
    written = _PLAIN_GROUP.sub("x", written)
    choices = len(_CHOICE.findall(written))
    ends = 1 + len(_UNBOUNDED.findall(written))
    if _REPEATED_GROUP.search(written) or choices + ends > _MAX_SIGNS:
        return -1
    return int((steps * factorial(ends) >> choices) ** (1 / ends))


def _stoppable(written: str, *, ignores_case: bool) -> regex.Pattern[str]:
    flags = regex.VERSION0 | (regex.IGNORECASE if ignores_case else 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return regex.compile(_ONLY_IN_REGEX.sub(_as_in_re, written), flags)


def _as_in_re(found: re.Match[str]) -> str:
    if found[1]:
        return found[1]
    return r"\{" if found[0] == "{" else r"[\:"
