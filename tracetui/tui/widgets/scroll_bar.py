"""Scroll bar that is visible only if there is something to scroll, and cheap to repaint."""

from __future__ import annotations

from typing import ClassVar

from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style
from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip


class _Bar(ScrollBarRender):
    """Bar that is blank if everything is visible."""

    @classmethod
    def render_bar(
        cls,
        size: int = 25,
        virtual_size: float = 50,
        window_size: float = 20,
        position: float = 0,
        thickness: int = 1,
        vertical: bool = True,
        back_color: Color = Color.default(),  # noqa: B008 - colours do not change
        bar_color: Color = Color.default(),  # noqa: B008
    ) -> Segments:
        if not window_size:
            return Segments([Segment(" " * thickness)] * size, new_lines=vertical)
        return super().render_bar(size, virtual_size, window_size, position, thickness, vertical, back_color, bar_color)


class _AsciiBar(_Bar):
    """Bar in ASCII, with whole cells at its ends."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8


class QuickScrollBar(ScrollBar):
    """Vertical scroll bar, one cell wide. It bypasses the style sheet, which Textual would evaluate for each line."""

    def __init__(self, in_ascii: bool) -> None:
        super().__init__(name="vertical")
        self.renderer = _AsciiBar if in_ascii else _Bar  # type: ignore[misc]  # Textual reads it from the bar at hand
        self._made: tuple[object, list[Strip]] = (None, [])
        """Rendered bar, and the state from which it was rendered."""

    def render_lines(self, crop: Region) -> list[Strip]:
        bar, ground, height = self.render(), self.rich_style, self.size.height
        assert isinstance(bar, ScrollBarRender)
        look = bar.style
        assert isinstance(look, Style)
        made_from = (bar.virtual_size, bar.window_size, bar.position, look, ground, height)
        if made_from != self._made[0]:
            colors = look.bgcolor or Color.default(), look.color or Color.default()
            painted = bar.render_bar(height, bar.virtual_size, bar.window_size, bar.position, 1, True, *colors)
            strips = [Strip([Segment(text, ground + style)], 1) for text, style, _ in painted.segments]
            self._made = (made_from, strips)
        strips = self._made[1][crop.y : crop.bottom]
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        return strips
