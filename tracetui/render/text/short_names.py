"""Two letters for each name of a set, no two the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from string import ascii_lowercase, digits

from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.glyphs import initials

_LETTERS = ascii_lowercase + digits


def short_names(names: Sequence[str]) -> list[str]:
    """-> per name its initials; of names that share them, the first in the alphabet keeps them and the others get
    letters that tell them apart. With more names than there are pairs of letters, the last ones share again.
    """
    order = sorted(range(len(names)), key=names.__getitem__)
    short = [""] * len(names)
    holder: dict[str, str] = {}
    left = []
    for i in order:
        wanted = cut(initials(names[i]), 2, "") or "?"
        if wanted in holder:
            left.append((i, wanted))
        else:
            short[i] = wanted
            holder[wanted] = names[i]
    is_full = False
    pairs = ("".join(pair) for pair in product(_LETTERS, repeat=2))
    for i, wanted in left:
        if is_full:
            short[i] = wanted
            continue
        chosen = next(
            (word for word in _others(names[i], holder[wanted]) if word not in holder and cell_width(word) == 2), ""
        )
        chosen = chosen or next((word for word in pairs if word not in holder), "")
        is_full = not chosen
        short[i] = chosen = chosen or wanted
        holder.setdefault(chosen, names[i])
    return short


def _others(name: str, like: str) -> Iterator[str]:
    """The first letter with each of the others, those first that the name it is taken for does not have there."""
    differs = next((i for i, pair in enumerate(zip(name, like, strict=False)) if pair[0] != pair[1]), len(like))
    first = next((letter for letter in name if letter.isalnum()), "")
    if first:
        for letter in name[max(differs, 1) :] + name[1:] + _LETTERS:
            if letter.isalnum():
                yield (first + letter).lower()
