"""Header of the waterfall view: facts about the trace."""

from __future__ import annotations

from textual.message import Message
from textual.widget import Widget

from tracetui.render.text.line import Line
from tracetui.tui.background_work import Work
from tracetui.tui.state import State
from tracetui.tui.views.waterfall.prepare import PreparedTrace, header_lines
from tracetui.tui.widgets.line_bar import LineBar

_HIGH = 30
"""Smallest height of the view for the whole header."""
_LINES, _FEW_LINES = 5, 3


class Header(LineBar):
    """Facts about the trace."""

    class Changed(Message):
        """The lines were made again, for another size or look."""

    def __init__(self, state: State, work: Work) -> None:
        super().__init__(state.look.theme, id="waterfall-header")
        self._state, self._work = state, work
        self._opened: PreparedTrace | None = None

    @property
    def room(self) -> tuple[int, int]:
        """Cells and lines for it."""
        size = (self.parent.size if isinstance(self.parent, Widget) else None) or self.app.size
        return size.width, _LINES if size.height >= _HIGH else _FEW_LINES

    @property
    def lines(self) -> int:
        """Number of lines shown."""
        return min(len(self._opened.header) if self._opened is not None else 0, self.room[1])

    def show_trace(self, opened: PreparedTrace) -> None:
        """Show a trace, at the current size."""
        self._opened = opened
        lines = opened.header
        self.styles.height = max(self.lines, 1)
        self.show(lambda width: [line.cropped(width) for line in lines])
        if opened.header_room != self.room:
            self.remake()

    def remake(self) -> None:
        """Make the lines again, outside the UI loop."""
        opened, room, local_time = self._opened, self.room, self._state.look.local_time
        page = self._state.trace_page
        if opened is None:
            return

        def made(lines: list[Line]) -> None:
            opened.header, opened.header_room = lines, room
            if self._opened is opened:
                self.show_trace(opened)
                self.post_message(self.Changed())

        self._work("waterfall-header", lambda: header_lines(opened.view, room, local_time, page), made)
