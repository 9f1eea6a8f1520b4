"""Widgets of the waterfall view: its rows, and the search line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tracetui.render.text.line import Line, Role
from tracetui.render.text.numbers import counted
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import State
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.widgets.line_view import LineSource, LineView


class TextRows:
    """Text lines instead of rows."""

    def __init__(self, lines: Sequence[Line] = ()) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, row: int, width: int) -> Line:
        return self._lines[row].cropped(width)


def nothing_message(state: State, has_set: bool) -> tuple[str, ...]:
    """Return the message if no trace can be shown. Keys are named by their actions."""
    if state.load_state == "failed" and not has_set:
        return ("No traces loaded.", "{app.reload} reloads.")
    if state.load_state == "reading" and not has_set:
        there = "Once they arrive, {view.traces} lists them; {list.open} opens one."
        return ("Loading the traces.", there)
    if has_set:
        return ("No trace selected.", "{view.traces} lists the traces; {list.open} opens one.")
    return ("No traces loaded.",)


class WaterfallRows(LineView):
    """Rows of the waterfall. The scrollbar is always reserved, so that columns do not move."""

    DEFAULT_CSS = "WaterfallRows { overflow-y: scroll; }"

    def _painted(self, row: int, selected: bool, room: tuple[int, int]) -> Strip:
        # a message has no cursor
        return super()._painted(row, selected and not isinstance(self.source, TextRows), room)

    def rows_changed(self, cursor: int | None = None) -> None:
        """Update after the rows of the source changed, with the cursor row at the same height."""
        height = self.cursor - self.scroll_offset.y
        self._forget()
        # assigning the reactive would lay out and paint the whole screen
        self.set_reactive(ScrollView.virtual_size, Size(0, len(self.source)))
        self.vertical_scrollbar.window_virtual_size = len(self.source)
        wanted = self.cursor if cursor is None else cursor
        self.set_reactive(LineView.cursor, min(max(wanted, 0), max(len(self.source) - 1, 0)))
        self.scroll_to(y=max(self.cursor - max(height, 0), 0), animate=False, force=True, immediate=True)
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Moved(self, self.cursor))

    def put(self, source: LineSource, cursor: int, at_top: bool = False) -> None:
        """Show another source; `at_top` for one that is unrelated to the previous one."""
        if at_top:
            self.set_reactive(LineView.cursor, 0)
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.show(source, cursor)


class FindLine(LineInput):
    """Search line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "submit", "To the matches", show=False, id="find.submit"),
    ]

    @dataclass
    class Submitted(Message):
        """The search was submitted."""

    def show_found(self, word: str, found: np.ndarray | None) -> None:
        """Show how many spans (bool, per span) match; None while searching."""
        line = Line()
        if word and found is None:
            line.add("searching", Role.DIM)
        elif word and found is not None:
            number = int(found.sum())
            line.add(counted(number, "span") if number else "no match", Role.STRONG if number else Role.WARNING)
            keys = "  {waterfall.next-match waterfall.previous-match} next  {waterfall.only-matches} only matches"
            line.add(KeyNames(self.screen).short(f"{keys if number else ''}  {{app.back}} closes "), Role.DIM)
        self.show_right(line)

    def action_submit(self) -> None:
        self.post_message(self.Submitted())
