"""Names of drawn nodes in one or several rows of limited width."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.safe_text import safe
from tracetui.render.text.short_names import distinct_names, short_names

LETTERS = 2
"""Width of a name at which only initials are shown."""
_BREAK = re.compile(r"(?<=[-_./: ])|(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z0-9])(?=services?$)")
"""After a separator, between the words of `CartService`, and before the end of `cartservice`."""


def names_in_rows(names: Iterable[str], width: int, rows: int, ellipsis: str) -> dict[str, list[str]]:
    """Break names into at most `rows` texts of `width` cells, safe to show; cut names stay distinct."""
    found = {name: _broken(safe(name), width) for name in names}
    if width <= LETTERS:
        return {name: [text] for name, text in zip(found, short_names(list(found)), strict=True)}
    too_long = [name for name, texts in found.items() if len(texts) > rows]
    if not too_long:
        return found
    # each row may end before its last cells, where a word ends
    room = width * rows
    while too_long and room > width:
        short = distinct_names(found, room, ellipsis)
        found |= {name: _broken(short[name], width) for name in too_long}
        too_long = [name for name in too_long if len(found[name]) > rows]
        room -= 1
    if too_long:
        short = distinct_names(found, width, ellipsis)
        found |= {name: [short[name]] for name in too_long}
    return found


def _broken(text: str, width: int) -> list[str]:
    """Break a text between words where possible, else anywhere."""
    rows = [""]
    for word in _BREAK.split(text):
        if cell_width(rows[-1] + word.rstrip()) <= width:
            rows[-1] += word
            continue
        rest = word
        if rows[-1]:
            rows.append("")
        while cell_width(rest) > width:
            head = cut(rest, width, "")
            if not head:
                break
            rows[-1] = head
            rest = rest[len(head) :]
            rows.append("")
        rows[-1] = rest
    return [row.rstrip() for row in rows]
