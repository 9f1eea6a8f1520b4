"""Errors in a query, with their positions."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

from tracetui.model.errors import UsageError

_WIDTH = 72
_LEAD = 40
_MANY = 20_000
_LONGEST_LINE = 300


class QueryError(UsageError):
    """Invalid query.

    `position` and `length` mark the wrong words, in characters of the query's text. `length` is at least 1; the
    position may be the end of the text. `reason` is one line; the message also shows the position.
    """

    def __init__(self, text: str, position: int, length: int, reason: str, hint: str = "") -> None:
        self.position = position
        self.length = max(length, 1)
        self.reason = reason
        self.hint = hint
        lines = [_plain(reason)]
        if text.strip():
            lines += _pointed(text, position, self.length)
        if hint:
            lines.append(_plain(hint))
        super().__init__("\n".join(lines))


def _pointed(text: str, position: int, length: int) -> list[str]:
    start = 0 if len(text) <= _WIDTH else min(max(position - _LEAD, 0), max(len(text) - _WIDTH, 0))
    shown = text[start : start + _WIDTH]
    before = "…" if start else ""
    after = "…" if start + _WIDTH < len(text) else ""
    at = position - start
    marked = shown[at : at + length]
    carets = "^" * max(_columns(marked), 1)
    return [f"  {before}{_plain(shown)}{after}", f"  {' ' * (len(before) + _columns(shown[:at]))}{carets}"]


def _plain(text: str) -> str:
    if len(text) > _LONGEST_LINE:
        text = text[: _LONGEST_LINE - 1] + "…"
    return "".join(character if character.isprintable() else " " for character in text)


def _columns(text: str) -> int:
    """Compute the terminal columns of a text whose unprintable characters are shown as blanks."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def nearest(word: str, known: Collection[str]) -> str | None:
    """Return the most similar known word, or None."""
    lowered = word.lower()
    for candidate in known:
        if candidate.lower() == lowered:
            return candidate
    # the comparison is quadratic in the lengths of the words, and a hint must not take seconds
    if len(known) > _MANY or len(word) > 200:
        return None
    import difflib

    found = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return found[0] if found else None
