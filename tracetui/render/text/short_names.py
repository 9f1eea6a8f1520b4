"""Shorten the names of a set so that they stay distinct: to two letters, or to a width."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from string import ascii_lowercase, digits

from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.glyphs import initials
from tracetui.render.text.safe_text import safe

_LETTERS = ascii_lowercase + digits
_MIN_MIDDLE_CUT = 4
"""Width of names, in cells, up to which they are cut at the end even if that makes some equal."""


_MIN_HEAD = 2
"""Cells that a name cut in the middle has before the ellipsis."""


def distinct_names(names: Iterable[str], width: int, ellipsis: str) -> dict[str, str]:
    """Cut names to at most `width` cells, safe to show.

    Those that would look the same are cut in the middle, and keep the words in which they differ, or else their end.
    """
    short = {name: cut(safe(name), width, ellipsis).rstrip() for name in names}
    same_text: dict[str, list[str]] = {}
    for name, text in short.items():
        same_text.setdefault(text, []).append(name)
    room = width - cell_width(ellipsis)
    for group in same_text.values():
        if len(group) == 1 or width <= _MIN_MIDDLE_CUT:
            continue
        same = _same_beginning([safe(name) for name in group])
        words = max(map(same.rfind, " -_./:")) + 1
        for name in group:
            shown = safe(name)
            if cell_width(shown) <= width:
                continue
            tail = shown[words:]
            if not tail or cell_width(tail) > room - _MIN_HEAD:
                tail = shown[-(room // 2) :]
                while cell_width(tail) > room // 2:
                    tail = tail[1:]
            short[name] = cut(shown, room - cell_width(tail), "") + ellipsis + tail
        count = Counter(short[name] for name in group)
        for name in group:
            if count[short[name]] > 1:
                # they also end the same: show the beginning of the words in which they differ
                head = cut(safe(name), max(min(room // 3, cell_width(same)), _MIN_HEAD), "")
                short[name] = head + ellipsis + cut(safe(name)[words:], room - cell_width(head), ellipsis)
    return short


def _same_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


class NamesOfSet:
    """Names of a set, cut to any width so that they stay distinct."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._cut: dict[tuple[int, str], dict[str, str]] = {}

    def cut(self, name: str, width: int, ellipsis: str) -> str:
        """Cut a name to at most `width` cells, safe to show."""
        if cell_width(shown := safe(name)) <= width:
            return shown
        key = width, ellipsis
        if key not in self._cut:
            self._cut[key] = distinct_names(self._names, width, ellipsis)
        return self._cut[key].get(name) or cut(shown, width, ellipsis)


def short_names(names: Sequence[str]) -> list[str]:
    """Return initials for each name. If names share them, the alphabetically first keeps them, and the others get other
    letters. With more names than pairs of letters, the last ones share.
    """
    order = sorted(range(len(names)), key=names.__getitem__)
    short = [""] * len(names)
    holder: dict[str, str] = {}
    remaining = []
    for i in order:
        letters = cut(initials(names[i]), 2, "") or "?"
        if letters in holder:
            remaining.append((i, letters))
        else:
            short[i] = letters
            holder[letters] = names[i]
    is_full = False
    pairs = ("".join(pair) for pair in product(_LETTERS, repeat=2))
    for i, letters in remaining:
        if is_full:
            short[i] = letters
            continue
        chosen = next(
            (word for word in _others(names[i], holder[letters]) if word not in holder and cell_width(word) == 2), ""
        )
        chosen = chosen or next((word for word in pairs if word not in holder), "")
        is_full = not chosen
        short[i] = chosen = chosen or letters
        holder.setdefault(chosen, names[i])
    return short


def _others(name: str, like: str) -> Iterator[str]:
    """Yield pairs of the first letter and each other one, beginning with letters that differ from the name `like`."""
    differs = next((i for i, pair in enumerate(zip(name, like, strict=False)) if pair[0] != pair[1]), len(like))
    first = next((letter for letter in name if letter.isalnum()), "")
    if first:
        for letter in name[max(differs, 1) :] + name[1:] + _LETTERS:
            if letter.isalnum():
                yield (first + letter).lower()
