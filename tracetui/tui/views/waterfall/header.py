"""Header of the waterfall view: facts about the trace."""

from __future__ import annotations

from functools import cached_property

from textual.message import Message
from textual.widget import Widget

from tracetui.render.text.line import Line
from tracetui.render.waterfall.header import HeaderHints
from tracetui.tui.background_work import Work
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import State
from tracetui.tui.views.waterfall.prepare import HeaderOptions, PreparedTrace, header_lines
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
    def options(self) -> HeaderOptions:
        """Options for the current size and look."""
        size = (self.parent.size if isinstance(self.parent, Widget) else None) or self.app.size
        lines = _LINES if size.height >= _HIGH else _FEW_LINES
        look = self._state.look
        page, in_ascii = self._state.trace_page, look.glyphs.ascii_only
        return HeaderOptions(size.width, lines, look.local_time, page, self._hints, in_ascii)

    @cached_property
    def _hints(self) -> HeaderHints:
        names = KeyNames(self.screen)
        error, longest, undo = map(names.short, ("{waterfall.next-error}", "{waterfall.longest}", "{app.adjust-skew}"))
        return HeaderHints(
            error=f"{error} goes there" if error else "",
            bottleneck=f"{longest} goes there" if longest else "",
            skew=f"{undo} undoes" if undo else "",
        )

    @property
    def lines(self) -> int:
        """Number of lines shown."""
        return min(len(self._opened.header) if self._opened is not None else 0, self.options.lines)

    def show_trace(self, opened: PreparedTrace) -> None:
        """Show a trace, at the current size."""
        self._opened = opened
        lines = opened.header
        self.styles.height = max(self.lines, 1)
        self.show(lambda width: [line.cropped(width) for line in lines])
        if opened.header_options != self.options:
            self.remake()

    def remake(self) -> None:
        """Make the lines again, outside the UI loop."""
        opened, options = self._opened, self.options
        if opened is None:
            return

        def made(lines: list[Line]) -> None:
            opened.header, opened.header_options = lines, options
            if self._opened is opened:
                self.show_trace(opened)
                self.post_message(self.Changed())

        self._work("waterfall-header", lambda: header_lines(opened.view, options, opened.initial_spans), made)
