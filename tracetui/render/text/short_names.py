"""Abbreviate the names of a set to two letters, all distinct."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from string import ascii_lowercase, digits

from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.glyphs import initials

_LETTERS = ascii_lowercase + digits


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
