"""Measure and cut text in terminal cells."""

from __future__ import annotations

from typing import Literal

from rich.cells import cell_len

Align = Literal["left", "right", "centre"]


def cell_width(text: str) -> int:
    """Return the width of a text in cells: two for wide characters, none for combining ones."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """Shorten the text to at most `width` cells, with an ellipsis if anything is cut."""
    if width <= 0:
        return ""
    if (len(text) <= width and text.isascii()) or cell_width(text) <= width:
        return text
    room = width - cell_width(ellipsis)
    if room < 0:
        return ""
    return _head(text, room) + ellipsis


def fit(text: str, width: int, align: Align = "left", ellipsis: str = "…") -> str:
    """Cut or pad the text to exactly `width` cells."""
    shown = cut(text, width, ellipsis)
    blank = max(0, width) - cell_width(shown)
    if align == "right":
        return " " * blank + shown
    if align == "centre":
        return " " * (blank // 2) + shown + " " * (blank - blank // 2)
    return shown + " " * blank


def _head(text: str, room: int) -> str:
    if text.isascii():
        return text[:room]
    used = 0
    for at, character in enumerate(text):
        used += cell_len(character)
        if used > room:
            text = text[:at]
            break
    # a sequence may be wider than its characters, as a presentation selector widens the one before it
    while cell_width(text) > room:
        text = text[:-1]
    return text
