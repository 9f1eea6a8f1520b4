"""Styled text independent of a terminal: lines are runs of text, each with a role."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tracetui.model.colours import COLOURS
from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.hyperlinks import linkable
from tracetui.render.text.safe_text import safe

_LINK, _BADGE = "link ", "badge:"


class Role:
    """Role of a run of text, for which a theme defines a style. `service` returns a service's role."""

    PLAIN = ""
    DIM = "dim"
    """Secondary text."""
    GUIDE = "guide"
    """Lines of a tree or an axis."""
    TITLE = "title"
    STRONG = "strong"
    """Text to read first."""
    ERROR = "error"
    PROPAGATED = "propagated"
    """An error that propagated from below."""
    WARNING = "warning"
    EVENT = "event"
    REST = "rest"
    """Part of a bar off the critical path."""
    CRITICAL = "critical"
    """Critical path of no single service."""
    ACCENT = "accent"
    KEYWORD = "keyword"
    """Keyword of SQL, or key of JSON."""
    LITERAL = "literal"
    """Literal value in SQL or JSON."""

    @staticmethod
    def service(slot: int) -> str:
        """Return the role of a service by its colour slot (see `render.text.theme`)."""
        return f"service:{slot}"

    @staticmethod
    def badge(colour: str) -> str:
        """Return the role of text on a colour, as in `model.colours`."""
        return f"{_BADGE}{colour}"

    @staticmethod
    def badge_colour(role: str) -> str:
        """Return the colour of a badge's role as `#rrggbb`; '' for another role."""
        colour = role.removeprefix(_BADGE) if role.startswith(_BADGE) else ""
        return COLOURS.get(colour, colour)

    @staticmethod
    def link(address: str, role: str = PLAIN) -> str:
        """Return the role of text that is a hyperlink; the role itself for an address that may not be linked."""
        return f"{_LINK}{role} {address}" if linkable(address) else role

    @staticmethod
    def without_link(role: str) -> tuple[str, str]:
        """Return a role without its hyperlink, and the address of that; '' for none."""
        if not role.startswith(_LINK):
            return role, ""
        plain, _, address = role.removeprefix(_LINK).partition(" ")
        return plain, address


class Run(NamedTuple):
    """Text of one role, without control characters and line breaks."""

    text: str
    role: str = Role.PLAIN


class Line:
    """Runs of text from left to right; neighbours with the same role are merged.

    Everything that the screen paints and reports print is a line, and a line replaces control characters as `safe`
    does, so that none passes even if a caller forgets them. Callers still clean untrusted text before they measure it:
    that keeps columns aligned and texts short.
    """

    __slots__ = ("runs", "width")

    def __init__(self, runs: Iterable[tuple[str, str]] = ()) -> None:
        self.runs: list[Run] = []
        self.width = 0
        """Width in cells, stored because it is read more often than text is added."""
        for text, role in runs:
            self.add(text, role)

    def __repr__(self) -> str:
        return f"Line({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and self.runs == other.runs

    __hash__ = None  # type: ignore[assignment]  # a line is mutable

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    def add(self, text: str, role: str = Role.PLAIN) -> Line:
        """Append text."""
        if not text.isprintable():
            text = safe(text)
        if text:
            runs = self.runs
            if runs and runs[-1].role == role:
                before = runs[-1].text
                runs[-1] = Run(before + text, role)
                # a character may widen the one before it
                self.width += len(text) if text.isascii() else cell_width(before + text) - cell_width(before)
            else:
                runs.append(Run(text, role))
                self.width += cell_width(text)
        return self

    def extend(self, other: Line) -> Line:
        """Append another line's runs."""
        if other.runs:
            self.add(*other.runs[0])
            # only the first run can merge with the last one here
            self.runs += other.runs[1:]
            self.width += other.width - cell_width(other.runs[0].text)
        return self

    def highlighted(self, word: str, role: str) -> Line:
        """Return the line with every occurrence of the word in a role, ignoring case."""
        text, line, at = self.text, Line(), 0
        bounds = [match.span() for match in re.finditer(re.escape(word), text, re.IGNORECASE)] if word else []
        if not text.isascii():
            bounds = [(start, _after_marks(text, end)) for start, end in bounds]
        for run in self.runs:
            stop = at + len(run.text)
            for start, end in bounds:
                if start < stop and end > at:
                    line.add(text[at : max(start, at)], run.role).add(text[max(start, at) : min(end, stop)], role)
                    at = min(end, stop)
            line.add(text[at:stop], run.role)
            at = stop
        return line

    def pad(self, width: int) -> Line:
        """Pad with blanks to this many cells."""
        blank = width - self.width
        return self.add(" " * blank) if blank > 0 else self

    def cropped(self, width: int, ellipsis: str = "…") -> Line:
        """Return the line cut to at most `width` cells."""
        if self.width <= width:
            return self
        line = Line()
        left = width
        for text, role in self.runs:
            cells = cell_width(text)
            if cells >= left:
                # if this run just fits, the next one is lost, which the ellipsis must show
                return line.add(cut(text + " " * (cells == left), left, ellipsis), role)
            line.add(text, role)
            left -= cells
        return line


def _after_marks(text: str, at: int) -> int:
    """Return the position after the combining marks at a position: alone, they would get a base of their own."""
    while at < len(text) and cell_width(text[at]) == 0:
        at += 1
    return at


def wrapped(line: Line, width: int, ellipsis: str = "…") -> list[Line]:
    """Break a line between words into lines of at most `width` cells, with the indentation of the first one."""
    if line.width <= width or not line.runs:
        return [line]
    indent = len(line.runs[0].text) - len(line.runs[0].text.lstrip(" "))
    words = [Line()]
    for text, role in line.runs:
        first, *others = text.split(" ")
        words[-1].add(first, role)
        words += [Line([(other, role)]) for other in others]
    lines = flowed((word for word in words if word.width), max(width - indent, 1), 1, ellipsis)
    return [Line([(" " * indent, Role.PLAIN)]).extend(one) for one in lines]


def flowed(items: Iterable[Line], width: int, gap: int = 3, ellipsis: str = "…") -> list[Line]:
    """Arrange short lines side by side, as many per line as fit in `width` cells."""
    lines: list[Line] = []
    for item in items:
        if lines and lines[-1].width + gap + item.width <= width:
            lines[-1].add(" " * gap).extend(item)
        else:
            lines.append(item.cropped(width, ellipsis) if item.width > width else Line(item.runs))
    return lines
