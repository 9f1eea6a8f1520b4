"""Widget with a fixed number of lines: status, tabs, breadcrumbs, headings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tracetui.render.text.line import Line
from tracetui.render.text.safe_text import in_ascii
from tracetui.render.text.theme import Theme

LineMaker = Callable[[int], Sequence[Line]]
"""Builds the lines for a width in cells."""


class LineBar(Widget):
    """Paints the lines that a function builds for its width. Its style sets the height."""

    DEFAULT_CSS = "LineBar { height: 1; background: $background; color: $foreground; }"

    def __init__(self, theme: Theme, make: LineMaker | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._look = theme
        self._make: LineMaker = make or (lambda _: [])
        self._made: tuple[int, list[Line]] | None = None

    def show(self, make: LineMaker) -> None:
        """Show the lines of another function. Equal lines are not repainted."""
        before = self._made
        self._make = make
        self._made = None
        if before is None or self._lines(before[0]) != before[1]:
            self.refresh()

    def set_look(self, theme: Theme) -> None:
        """Make the lines again and paint them, after a change of theme or zone."""
        self._look = theme
        self._made = None
        self.refresh()

    def _lines(self, width: int) -> list[Line]:
        if self._made is None or self._made[0] != width:
            self._made = (width, list(self._make(width)))
        return self._made[1]

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        lines = self._lines(width)
        base = self.rich_style
        if y >= len(lines):
            return Strip.blank(width, base)
        runs = in_ascii(lines[y].runs) if self.app.has_class("-ascii") else lines[y].runs
        segments = [Segment(text, base + self._look.style(role)) for text, role in runs]
        return Strip(segments).adjust_cell_length(width, base)
