"""Widget with the rows of a span's detail, and their keys."""

from __future__ import annotations

from typing import ClassVar, Protocol

from textual import events, on
from textual.actions import SkipAction
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tracetui.render.span.detail import SpanDetailLines
from tracetui.render.text.line import Line, Role
from tracetui.tui.keys.waterfall import DETAIL
from tracetui.tui.state import Look
from tracetui.tui.widgets.line_view import LineView


class Detail(Protocol):
    """Owner of the rows, which handles their keys."""

    def rule_changed(self) -> None: ...
    def rows_toggled(self) -> None: ...
    def choose(self) -> None: ...
    def read(self) -> None: ...
    def prompt_filter(self) -> None: ...
    def copy(self) -> None: ...
    def leave_filter(self) -> bool: ...


class NothingSelected:
    """Placeholder for no selected span."""

    _rows = (Line([("no span selected", Role.DIM)]),)

    def __len__(self) -> int:
        return len(self._rows)

    def line(self, row: int, width: int) -> Line:
        return self._rows[row].cropped(width)


class DetailView(LineView):
    """Rows of a span's detail."""

    DEFAULT_CSS = "DetailView { scrollbar-size-vertical: 0; }"
    BINDINGS: ClassVar[list[BindingType]] = DETAIL.bindings

    def __init__(self, detail: Detail, look: Look) -> None:
        super().__init__(look.theme, look.glyphs.cursor)
        self._detail = detail

    @property
    def lines(self) -> SpanDetailLines | None:
        """Lines of the span shown, if any."""
        return self.source if isinstance(self.source, SpanDetailLines) else None

    def rows_changed(self, cursor: int | None = None) -> None:
        lines = self.lines
        if lines is not None and not self.fits(lines):
            self.lay_out(lines)
        self._forget()
        # assigning the reactive would lay out and repaint the whole screen
        self.set_reactive(ScrollView.virtual_size, Size(0, len(self.source)))
        wanted = self.cursor if cursor is None else cursor
        self.set_reactive(LineView.cursor, min(max(wanted, 0), max(len(self.source) - 1, 0)))
        self._scroll_to_cursor()
        self.refresh()
        self._detail.rule_changed()
        self.post_message(self.Moved(self, self.cursor))

    def fits(self, lines: SpanDetailLines) -> bool:
        """Test whether the rows are laid out for the current size."""
        return (lines.width, lines.height) == (self.line_width, self.size.height)

    def lay_out(self, lines: SpanDetailLines) -> None:
        """Lay out the rows for the current size."""
        lines.arrange(self.line_width, self.size.height)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._detail.rule_changed()

    def _painted(self, row: int, selected: bool, room: tuple[int, int]) -> Strip:
        # show only one cursor: that of the waterfall or the detail, whichever has the focus
        return super()._painted(row, selected and self.has_focus, room)

    @on(events.Resize)
    def _rearrange(self) -> None:
        lines, row = self.lines, None
        if lines is not None and not self.fits(lines):
            path = lines.entry(self.cursor).path if len(lines) else ""
            self.lay_out(lines)
            row = lines.row_of(path)
        self.rows_changed(row)

    def action_choose(self) -> None:
        self._detail.choose()

    def action_fold(self, folded: bool) -> None:
        lines = self.lines
        if lines is not None and lines.is_open(self.cursor) == folded and lines.toggle(self.cursor):
            self._detail.rows_toggled()

    def action_read(self) -> None:
        self._detail.read()

    def action_filter(self) -> None:
        self._detail.prompt_filter()

    def action_copy(self) -> None:
        self._detail.copy()

    def action_leave_filter(self) -> None:
        if not self._detail.leave_filter():
            # the view handles the key and takes back the focus
            raise SkipAction
