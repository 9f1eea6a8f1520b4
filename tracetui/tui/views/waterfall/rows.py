"""Rows of the waterfall view, with the map and the time axis above them, and the search line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from textual.binding import BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.line import Line, Role
from tracetui.render.text.numbers import counted
from tracetui.render.waterfall.minimap import error_line, minimap
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.keys.waterfall import FIND
from tracetui.tui.state import Look, State
from tracetui.tui.views.waterfall.prepare import INDENT
from tracetui.tui.views.waterfall.view_state import ViewState
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.widgets.line_view import LineSource, LineView

_AXIS_LINES = 1
_MAX_BLANK = 3
"""The height shrinks if more than one in this many lines of the body would be blank."""


class TextRows:
    """Text lines instead of rows."""

    def __init__(self, lines: Sequence[Line] = ()) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, row: int, width: int) -> Line:
        return self._lines[row].cropped(width)


def empty_message(state: State, has_set: bool) -> tuple[str, ...]:
    """Return the message if no trace can be shown. Keys are named by their actions."""
    if state.load_state == "failed" and not has_set:
        return ("No traces loaded.", "{app.reload} reloads the sources, {app.quit} quits.")
    if state.load_state == "reading" and not has_set:
        there = "Once they arrive, {view.traces} lists them; {list.open} opens one."
        return ("Loading the traces.", there)
    if has_set:
        return ("No trace selected.", "{view.traces} lists the traces; {list.open} opens one.")
    return ("No traces loaded.", "Start with a file, a directory, a server or - for standard input.")


class WaterfallRows(LineView):
    """Rows of the waterfall. The scrollbar is always reserved, so that columns do not move."""

    @dataclass
    class Scrolled(Message):
        """Other rows are visible."""

    DEFAULT_CSS = "WaterfallRows { overflow-y: scroll; }"

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Scrolled())

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

    def bring_into_view(self, row: int) -> None:
        """Scroll so that another row is visible together with the cursor, if there is room for both."""
        height, low, high = self.scrollable_content_region.height, min(row, self.cursor), max(row, self.cursor)
        top = self.scroll_offset.y
        new_top = max(min(top, low), high - height + 1)
        if new_top != top and high - low < height:
            self.scroll_to(y=new_top, animate=False, force=True, immediate=True)
            self.refresh()

    def put(self, source: LineSource, cursor: int, at_top: bool = False) -> None:
        """Show another source; `at_top` for one that is unrelated to the previous one."""
        if at_top:
            self.set_reactive(LineView.cursor, 0)
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.show(source, cursor)


class FindLine(LineInput):
    """Search line."""

    BINDINGS: ClassVar[list[BindingType]] = FIND.bindings

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
            keys = "  {waterfall.next-match waterfall.previous-match} next"
            keys += "  {waterfall.filter} {spans.only-matches} only matches"
            line.add(KeyNames(self.screen).short(f"{keys if number else ''}  {{app.back}} closes "), Role.DIM)
        self.show_right(line)

    def action_submit(self) -> None:
        self.post_message(self.Submitted())


class RowsPane(Vertical):
    """The rows of a trace or subtree below a minimap and a time axis in the same columns, and the search line."""

    def __init__(self, look: Look, find_line: FindLine) -> None:
        self._look = look
        self._map = LineBar(look.theme, id="waterfall-map")
        self._axis = LineBar(look.theme, id="waterfall-scale")
        self.rows = WaterfallRows(look.theme, look.glyphs.cursor, id="waterfall-rows")
        self._find_line = find_line
        self._shown: ViewState | None = None
        self._height: int | str = "1fr"
        self._map_height = 1
        self._most_rows = 0
        """Largest number of rows since the trace was opened."""
        super().__init__(self._map, self._axis, self.rows, find_line, id="waterfall-left")

    def put(self, shown: ViewState, row: int, at_top: bool = False) -> None:
        """Show a trace or subtree with the cursor on a row; `at_top` for one that is unrelated to the previous one."""
        if shown is not self._shown:
            self._shown, self._most_rows = shown, 0
        self.rows.put(shown, row, at_top)
        self.show_scale(shown)

    def show_scale(self, shown: ViewState) -> None:
        self._fit_map(shown)
        self.show_axis(shown)
        self.show_map(shown)

    def show_axis(self, shown: ViewState) -> None:
        captions = shown.captions()

        def lines(_: int) -> list[Line]:
            room = shown.view.layout(self.rows.line_width).label
            caption = next((one for one in captions if cell_width(one) <= room), captions[-1])
            scale = shown.view.scale(self.rows.line_width, caption)
            return [Line([(" " * INDENT, Role.PLAIN)]).extend(scale)]

        self._axis.show(lines)

    def show_map(self, shown: ViewState) -> None:
        """Show the minimap with the time of the row under the cursor."""
        selected = shown.time_of(self.rows.cursor)
        self._map.show(lambda width: self._map_lines(shown, selected, width))

    def _map_lines(self, shown: ViewState, selected: tuple[int, int] | None, width: int) -> list[Line]:
        """Draw the minimap above the bars, or of full width if rows have none; above it many errors."""
        layout, overview, glyphs = shown.view.layout(self.rows.line_width), shown.opened.overview, self._look.glyphs
        window = None if shown.is_merged else shown.base.window
        before = INDENT + layout.label if layout.bar else 1
        cells = layout.bar + 2 if layout.bar else width - 2
        errors = error_line(overview, cells, glyphs)
        concurrency = overview.max_concurrency
        texts = [f"up to {concurrency:,} concurrent" if concurrency > 1 else "sequential"]
        drawn = [minimap(overview, cells, glyphs, window, selected)]
        if errors is not None:
            texts.insert(0, "error origins")
            drawn.insert(0, errors)
        return [
            Line([(fit(text if layout.bar else "", before - 1, "right", glyphs.ellipsis) + " ", Role.DIM)]).extend(line)
            for text, line in zip(texts, drawn, strict=True)
        ]

    def on_line_view_resized(self) -> None:
        if self._shown is not None:
            self._fit_map(self._shown)

    def _fit_map(self, shown: ViewState) -> None:
        """Take the height that the minimap needs at this width."""
        lines = len(self._map_lines(shown, None, self.rows.line_width + INDENT))
        if lines != self._map_height:
            self._map_height = lines
            self._map.styles.height = lines

    def rows_in(self, height: int) -> int:
        """Return the number of rows for which a height has room, in lines."""
        return max(height - self._map_height - _AXIS_LINES, 1)

    def fit(self, count: int, room: int | None, wanted_below: int | None) -> None:
        """Take the height that `count` rows need, at most two thirds of `room` lines, or all of it if None.

        wanted_below: lines for the detail while it has the focus, up to two thirds. The height does not shrink until
        another trace is shown, so that folding does not move the detail, unless much of it would be blank.
        """
        height: int | str = "1fr"
        if room is None:
            self._most_rows = max(self._most_rows, count)
        else:
            most = room * 2 // 3
            if wanted_below is not None:
                most = min(most, max(room // 3, room - wanted_below))
            above = self._map_height + _AXIS_LINES
            is_empty = _MAX_BLANK * (min(self._most_rows, most - above) - count) > room
            self._most_rows = count if is_empty else max(self._most_rows, count)
            needed = self._most_rows + above + self._find_line.display
            height = max(min(needed, most), above + 1)
        if height != self._height:
            self._height = height
            self.styles.height = height
