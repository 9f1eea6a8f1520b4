"""Scrolling list of lines that are created when they are painted.

Its cost is independent of the number of rows. The rows come from a `LineSource`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip

from tracetui.render.text.cells import cell_width
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import in_ascii
from tracetui.render.text.theme import Theme
from tracetui.tui.keys.everywhere import LISTS
from tracetui.tui.terminal.textual_internals import vertical_bar
from tracetui.tui.widgets.scroll_bar import QuickScrollBar

_CACHED_SCREENS = 4
_CURSOR_CELLS = 2
"""Cells of the cursor glyph and the blank after it."""
_MARGIN = 1
"""Rows kept visible above and below the cursor."""


class LineSource(Protocol):
    """Rows of text for any width. All their text is safe to show."""

    def __len__(self) -> int: ...

    def line(self, row: int, width: int) -> Line: ...


class NoLines:
    """Empty source."""

    def __len__(self) -> int:
        return 0

    def line(self, row: int, width: int) -> Line:  # noqa: ARG002 - the protocol's
        raise IndexError(row)


class _Paint(NamedTuple):
    """Style of a role, and the number of its background; -1 for a style that is visible on blanks."""

    style: Style
    background: int


def _joined_runs(runs: Iterable[tuple[str, _Paint]]) -> list[Segment]:
    """Join runs whose difference is invisible: blanks take the style of a neighbour.

    Each change of style costs bytes. Equal styles must have the same paint.
    """
    pieces: list[Segment] = []
    before: _Paint | None = None
    piece = ""
    for text, paint in runs:
        if paint is before or not before:
            before = paint
            piece += text
        elif paint.background == before.background >= 0 and (text.isspace() or piece.isspace()):
            if not text.isspace():
                before = paint
            piece += text
        else:
            pieces.append(Segment(piece, before.style))
            before, piece = paint, text
    if before:
        pieces.append(Segment(piece, before.style))
    return pieces


class LineView(ScrollView, can_focus=True):
    """Paints the rows of a source with a cursor, whose glyph is not part of the width given to the source."""

    BINDINGS: ClassVar[list[BindingType]] = LISTS.bindings
    DEFAULT_CSS = """
    LineView {
        height: 1fr;
        background: $background;
        color: $foreground;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
    }
    """

    cursor: var[int] = var(0, init=False)
    """Row of the cursor."""

    @dataclass
    class Moved(Message):
        """The cursor moved to another row."""

        view: LineView
        row: int

        @property
        def control(self) -> LineView:
            return self.view

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LineView.Moved) and message.view is self.view

    @dataclass
    class Chosen(Message):
        """The row was opened by its key, or by a click on the cursor row."""

        view: LineView
        row: int

        @property
        def control(self) -> LineView:
            return self.view

    @dataclass
    class Resized(Message):
        """The width of the lines changed, to which headings are aligned."""

        view: LineView

        @property
        def control(self) -> LineView:
            return self.view

    def __init__(self, theme: Theme, cursor_glyph: str = "▌", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.source: LineSource = NoLines()
        self._look = theme
        self._cursor_glyph = cursor_glyph
        self._in_ascii = cursor_glyph.isascii()
        self.looks_focused = False
        """True to paint the cursor as with the focus, as keys move it while an input has the focus."""
        self._strips: LRUCache[tuple[int, bool], Strip] = LRUCache(256)
        self._background = Style()
        """Background of the strips."""
        self._strip_size = (0, 0, 0)
        """Size for which the strips were made: width of lines, full width, height."""
        self._strip_width = 0
        """Width of the strips in cells."""
        self._paints: dict[str, _Paint] = {}
        self._cursor_paints: dict[str, _Paint] = {}

    @property
    def line_width(self) -> int:
        """Width of a line in cells."""
        return max(self.scrollable_content_region.width - _CURSOR_CELLS, 1)

    @property
    def above(self) -> int:
        """Number of rows above the visible ones."""
        return self.scroll_offset.y

    @property
    def below(self) -> int:
        """Number of rows below the visible ones."""
        return max(len(self.source) - self.scroll_offset.y - self.size.height, 0)

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """Scroll bar, created on first use."""
        return vertical_bar(self, lambda: QuickScrollBar(self._in_ascii))

    def show(self, source: LineSource, cursor: int | None = None) -> None:
        """Show the rows of another source. The cursor moves to `cursor`, or stays if possible."""
        self.source = source
        self.rows_changed(self.cursor if cursor is None else cursor)

    def rows_changed(self, cursor: int | None = None) -> None:
        """Repaint after a change of the source's rows."""
        self._forget()
        self.virtual_size = Size(0, len(self.source))
        wanted = self.cursor if cursor is None else cursor
        self.set_reactive(LineView.cursor, min(max(wanted, 0), max(len(self.source) - 1, 0)))
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Moved(self, self.cursor))

    def lines_changed(self) -> None:
        """Repaint all lines, without a move of the cursor or the scroll position."""
        self._forget()
        self.refresh()

    def set_look(self, theme: Theme) -> None:
        """Paint with another theme."""
        self._look = theme
        self._forget_paints()
        self._forget()
        self.refresh()

    def refresh_row(self, row: int) -> None:
        """Repaint one row."""
        for selected in (False, True):
            self._strips.discard((row, selected))
        self._repaint(row)

    def _repaint(self, row: int) -> None:
        y = row - self.scroll_offset.y
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _forget(self) -> None:
        self._strips.clear()

    def validate_cursor(self, cursor: int) -> int:
        return min(max(cursor, 0), max(len(self.source) - 1, 0))

    def watch_cursor(self, before: int, after: int) -> None:
        if before == after:
            return
        if not self._scroll_to_cursor():
            self._repaint(before)
            self._repaint(after)
        self.post_message(self.Moved(self, after))

    def _scroll_to_cursor(self) -> bool:
        """Scroll so that the cursor is visible. -> whether it had to scroll"""
        height = self.scrollable_content_region.height
        if height <= 0:
            return False
        margin = min(_MARGIN, (height - 1) // 2)
        top = self.scroll_offset.y
        new_top = min(max(top, self.cursor + margin - height + 1), max(self.cursor - margin, 0))
        new_top = min(new_top, max(len(self.source) - height, 0))
        if new_top == top:
            return False
        self.scroll_to(y=new_top, animate=False, force=True, immediate=True)
        return True

    def notify_style_update(self) -> None:
        super().notify_style_update()
        background = self.rich_style
        if background != self._background:
            # only in this case, as each change of focus also calls this
            self._background = background
            self._forget_paints()
            self._forget()

    def on_resize(self, event: events.Resize) -> None:
        size = self.line_width, self.content_region.width, event.size.height
        if size == self._strip_size:
            # keep the rows if the view is shown again
            return
        self._strip_size = size
        self._strips.maxsize = max(_CACHED_SCREENS * event.size.height, 64)
        self._forget()
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Resized(self))

    def on_focus(self) -> None:
        self.refresh_row(self.cursor)

    def on_blur(self) -> None:
        self.refresh_row(self.cursor)

    def on_click(self, event: events.Click) -> None:
        row = event.y + self.scroll_offset.y
        if row >= len(self.source):
            return
        if row == self.cursor:
            self.action_choose()
        self.cursor = row

    def render_lines(self, crop: Region) -> list[Strip]:
        """Render without the style sheet, whose rules Textual evaluates for each line."""
        if any(self.styles.gutter):
            return super().render_lines(crop)
        room, top = self._room(), self.scroll_offset.y
        strips = [self._strip(top + y, room) for y in crop.line_range]
        filters, background = self.get_line_filters(), self.background_colors[1]
        for line_filter in filters:
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, self.region.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        return self._strip(self.scroll_offset.y + y, self._room())

    def _room(self) -> tuple[int, int]:
        """Return the width of a line and of a whole row. Computed once for all rows, as Textual is slow at it."""
        # exclude the scroll bar, or Textual cuts each line
        width = self.scrollable_content_region.width
        if width != self._strip_width:
            # the scroll bar comes and goes without a resize, and Textual drops a line that is too short
            self._strip_width = width
            self._forget()
        return max(width - _CURSOR_CELLS, 1), width

    def _strip(self, row: int, room: tuple[int, int]) -> Strip:
        if row >= len(self.source):
            return Strip.blank(room[1], self._paint("", False).style)
        selected = row == self.cursor
        strip = self._strips.get((row, selected))
        if strip is None:
            strip = self._strips[row, selected] = self._painted(row, selected, room)
        return strip

    def _painted(self, row: int, selected: bool, room: tuple[int, int]) -> Strip:
        highlighted = selected and (self.has_focus or self.looks_focused)
        line_width, width = room
        line = self.source.line(row, line_width)
        runs = self._look.cursor_runs(line) if highlighted else line.runs
        # of several lists, only the one that receives keys shows an accented glyph
        edge = [(self._cursor_glyph, Role.ACCENT if highlighted else Role.DIM), (" ", "")] if selected else [("  ", "")]
        shown = [*edge, *(in_ascii(runs) if self._in_ascii else runs)]
        # a reversed glyph would look like part of the row
        has_band = highlighted and self._look.under_cursor is not None
        painted = [(text, self._paint(role, has_band)) for text, role in edge]
        painted += [(text, self._paint(role, highlighted)) for text, role in shown[len(edge) :]]
        segments = [Segment(text, paint.style) for text, paint in painted] if highlighted else _joined_runs(painted)
        cells = sum(cell_width(text) for text, _ in shown) if self._in_ascii else line.width + _CURSOR_CELLS
        if cells < width:
            last = segments[-1].style
            is_new = highlighted or (last is not None and last.link)
            blank = self._paint("", highlighted).style if is_new else last
            segments.append(Segment(" " * (width - cells), blank))
        return Strip(segments, max(cells, width)).adjust_cell_length(width)

    def _paint(self, role: str, highlighted: bool) -> _Paint:
        paints = self._cursor_paints if highlighted else self._paints
        paint = paints.get(role)
        if paint is None:
            style = self.rich_style + (self._look.cursor_style(role) if highlighted else self._look.style(role))
            # a link must not extend over blanks next to it
            has_lines = style.reverse or style.underline or style.strike or style.link
            backgrounds = {one.style.bgcolor: one.background for one in paints.values() if one.background >= 0}
            paint = _Paint(style, -1 if has_lines else backgrounds.get(style.bgcolor, len(paints)))
            paint = next((one for one in paints.values() if one == paint), paint)
            if not style.link:
                paints[role] = paint
        return paint

    def _forget_paints(self) -> None:
        self._paints.clear()
        self._cursor_paints.clear()

    def action_move(self, rows: int) -> None:
        self.cursor += rows

    def action_page(self, pages: int) -> None:
        self.cursor += pages * max(self.scrollable_content_region.height - 2, 1)

    def action_jump(self, row: int) -> None:
        self.cursor = row if row >= 0 else len(self.source) - 1

    def action_choose(self) -> None:
        if len(self.source):
            self.post_message(self.Chosen(self, self.cursor))


class HeadedSource(LineSource, Protocol):
    """Rows in columns, with a heading."""

    def heading(self, width: int) -> Line: ...
