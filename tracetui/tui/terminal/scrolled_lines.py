"""Lines that the terminal can move itself, as they scrolled up, down or sideways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

_LEAST_CELLS = 400
"""Number of changed cells from which on a shift is looked for."""
_ENOUGH = 0.85
"""Most cells that may still differ after a shift, as a share of those before."""
_PIECE, _STEP = 10, 13
"""Length of a piece of a line that is looked for, and the distance to the next one."""
_LEAST_VOTES = 4
"""Number of lines, or of pieces, that must have moved by the same distance."""
_BAR = 2
"""Cells at the end of a line that a scroll bar may take."""

Texts = Mapping[int, str]
"""Texts of lines by number, one character per cell."""


def scrolled_rows(before: Texts, after: Texts) -> int:
    """Return the rows by which most lines moved up; 0 for none, negative for down."""
    if differing(before, after) < _LEAST_CELLS:
        return 0
    places: dict[str, list[int]] = {}
    for y, text in before.items():
        places.setdefault(text[:-_BAR], []).append(y)
    found = {y: places.get(text[:-_BAR], []) for y, text in after.items() if text[:-_BAR].strip()}
    votes = Counter(ys[0] - y for y, ys in found.items() if len(ys) == 1)
    return _most(votes, len(found))


def scrolled_columns(before: Texts, after: Texts) -> int:
    """Return the columns by which most lines moved to the left; 0 for none, negative for the right."""
    if differing(before, after) < _LEAST_CELLS:
        return 0
    votes: Counter[int] = Counter()
    for y, text in after.items():
        for begin, piece in _pieces(text):
            if text.count(piece) == before[y].count(piece) == 1:
                votes[before[y].index(piece) - begin] += 1
    return _most(votes, votes.total())


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield pieces of a line that are likely to occur once."""
    for begin in range(0, len(text) - _PIECE, _STEP):
        piece = text[begin : begin + _PIECE]
        if len(set(piece)) > _PIECE // 3:
            yield begin, piece


def _most(votes: Counter[int], voters: int) -> int:
    shift, count = max(votes.items(), key=lambda vote: (vote[1], -abs(vote[0]), vote[0]), default=(0, 0))
    return shift if count >= max(_LEAST_VOTES, voters / 2) else 0


def differing(before: Texts, after: Texts) -> int:
    """Count the cells that differ."""
    return sum(sum(map(str.__ne__, before[y], text)) for y, text in after.items() if text != before[y])


def is_worth_it(before: Texts, moved: Texts, after: Texts) -> bool:
    """Test whether so many fewer cells differ after a shift that it saves output."""
    return differing(moved, after) <= _ENOUGH * differing(before, after)
