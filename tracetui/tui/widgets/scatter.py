"""Scatter plot of response times over time, with percentiles and a selectable region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region as ScreenRegion
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tracetui.query.edit import Window
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import in_ascii
from tracetui.render.text.theme import REVERSED
from tracetui.render.traces.scatter import MarkedTime, Plot, Points, Region
from tracetui.render.traces.scatter_stats import STATS_WIDTH, explained, region_lines
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.keys.traces import REGION
from tracetui.tui.state import Look

_GAP = 2
_MIN_PLOT = 24
_RIGHT_BUTTON = 3
_NO_TRACES = np.zeros(0, np.int64)
NO_POINTS = Points(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, bool))


class Scatter(Widget):
    """Scatter plot. It handles keys only while a region is selected."""

    BINDINGS: ClassVar[list[BindingType]] = REGION.bindings
    DEFAULT_CSS = "Scatter { background: $background; color: $foreground; }"

    @dataclass
    class Selected(Message):
        """A region was chosen as the filter."""

        window: Window

    @dataclass
    class Picked(Message):
        """A point was clicked."""

        trace: int

    @dataclass
    class Contrasted(Message):
        """A region was chosen for a contrast with the other traces."""

        inside: np.ndarray
        """bool[points], those in the region."""
        durations: bool
        """False if the region was chosen by durations, too."""

    @dataclass
    class Cancelled(Message):
        """The selection was cancelled."""

    def __init__(self, look: Look, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.can_focus = False
        self._look = look
        self._points, self._traces = NO_POINTS, _NO_TRACES
        self._plot: Plot | None = None
        self._points_stats: Sequence[Line] = ()
        self._stats: list[Line] = []
        """The statistics, with what explains the plot."""
        self._moments: Sequence[MarkedTime] = ()
        self._point: tuple[int, int, bool] | None = None
        """Start, response time and errors of the trace under the cursor."""
        self.region_cells: Region | None = None
        self._pressed: tuple[int, int] | None = None
        self._contrasts = False
        """True if the region that is drawn with the mouse is for a contrast."""

    def show(self, points: Points, traces: np.ndarray = _NO_TRACES, stats: Sequence[Line] = ()) -> None:
        """Show other points, their traces (int64[points]), and statistics, which take too long for the UI loop."""
        self._points, self._traces, self._points_stats = points, traces, stats
        self.region_cells = None
        self.remake()

    def mark(self, moments: Sequence[MarkedTime]) -> None:
        """Mark these moments, and no others."""
        if list(moments) != list(self._moments):
            self._moments = moments
            self.remake()

    def remake(self) -> None:
        """Redraw after a change of the points, the size or the appearance."""
        self._plot = None
        self.refresh()

    def point_at(self, start: int, duration: int, *, has_errors: bool) -> None:
        """Ring a trace; a new region is placed around it."""
        before = self._ringed_cell
        self._point = start, duration, has_errors
        after = self._ringed_cell
        for cell in (before, after):
            if cell is not None:
                self._refresh_cell(*cell)

    @property
    def _ringed_cell(self) -> tuple[int, int] | None:
        """Cell of the trace under the cursor."""
        if self._plot is None or self._point is None or not len(self._plot.points):
            return None
        return self._plot.cell(*self._point[:2])

    def _refresh_cell(self, column: int, row: int) -> None:
        if self._plot is not None:
            self.refresh(ScreenRegion(self._plot.left + column, self._plot.rows - 1 - row, 1, 1))

    @property
    def plot(self) -> Plot | None:
        """Plot at the current size."""
        width, height = self.size
        if self._plot is None and width and height:
            look, room = self._look, width - STATS_WIDTH - _GAP
            room = room if room >= _MIN_PLOT else width
            self._plot = Plot(self._points, room, height, look.glyphs, look.local_time, self._moments)
            self._stats = explained(self._points_stats, self._plot)
        return self._plot

    def on_resize(self) -> None:
        self.region_cells = None
        self.remake()

    def render_line(self, y: int) -> Strip:
        plot, base = self.plot, self.rich_style
        width = self.size.width
        if plot is None or not len(plot.points) or y >= len(plot.lines):
            return Strip.blank(width, base)
        strip = Strip(self._segments(plot.lines[y]))
        strip = self._ringed(strip, plot, plot.rows - 1 - y)
        strip = self._with_cells_reversed(strip.adjust_cell_length(plot.width, base), plot, plot.rows - 1 - y)
        if plot.width < width:
            region = self.region_cells
            glyphs = self._look.glyphs
            stats = self._stats
            if region is not None:
                keys = KeyNames(self.screen).short("{region.take} filters  {region.contrast} contrasts")
                stats = region_lines(plot, region, glyphs, keys)
            statistics = [Segment(" " * _GAP, base), *(self._segments(stats[y]) if y < len(stats) else ())]
            strip = Strip.join([strip, Strip(statistics).adjust_cell_length(width - plot.width, base)])
        return strip

    def _segments(self, line: Line) -> list[Segment]:
        base, look = self.rich_style, self._look
        runs = in_ascii(line.runs) if look.glyphs.ascii_only else line.runs
        return [Segment(text, base + look.theme.style(role)) for text, role in runs]

    def _ringed(self, strip: Strip, plot: Plot, row: int) -> Strip:
        """Ring the trace under the cursor, if it is in this row."""
        cell, point = self._ringed_cell, self._point
        if cell is None or point is None or cell[1] != row:
            return strip
        at, has_errors = plot.left + cell[0], point[2]
        style = self.rich_style + self._look.theme.style(Role.ERROR if has_errors else Role.ACCENT)
        glyphs = self._look.glyphs
        ring = Strip([Segment(glyphs.error_ring if has_errors else glyphs.ring, style)])
        return Strip.join([strip.crop(0, at), ring, strip.crop(at + 1)])

    def _with_cells_reversed(self, strip: Strip, plot: Plot, row: int) -> Strip:
        region = self.region_cells
        if region is None or not region.bottom <= row <= region.top:
            return strip
        begin, stop = plot.left + region.left, plot.left + region.right + 1
        parts = [strip.crop(0, begin), strip.crop(begin, stop).apply_style(REVERSED), strip.crop(stop)]
        return Strip.join(parts)

    # --- a region ----------------------------------------------------------------------------------------------------

    def begin(self) -> bool:
        """Select a region around the selected trace. -> False if there is no plot"""
        plot = self.plot
        if plot is None or not len(plot.points) or not self.display:
            return False
        column = plot.cell(*self._point[:2])[0] if self._point else plot.columns // 2
        half = max(plot.columns // 16, 1)
        left = min(max(column - half, 0), max(plot.columns - 2 * half - 1, 0))
        self._select(Region(left, min(left + 2 * half, plot.columns - 1), 0, plot.rows - 1))
        self.can_focus = True
        self.focus()
        return True

    def leave(self) -> None:
        """Clear the selection."""
        self._pressed = None
        self._select(None)
        self.can_focus = False

    def _select(self, region: Region | None) -> None:
        if region != self.region_cells:
            self.region_cells = region
            self.refresh()

    def on_blur(self) -> None:
        self.leave()

    def action_move(self, columns: int, rows: int) -> None:
        region, plot = self.region_cells, self.plot
        if region is None or plot is None:
            return
        # the step grows with the plot, so that few keys cross it
        columns *= max(plot.columns // 40, 1)
        columns = min(max(columns, -region.left), plot.columns - 1 - region.right)
        rows = min(max(rows, -region.bottom), plot.rows - 1 - region.top)
        self._select(Region(region.left + columns, region.right + columns, region.bottom + rows, region.top + rows))

    def action_grow(self, columns: int, rows: int) -> None:
        region, plot = self.region_cells, self.plot
        if region is None or plot is None:
            return
        columns *= max(plot.columns // 40, 1)
        right = min(max(region.right + columns, region.left), plot.columns - 1)
        bottom, top = region.bottom, region.top
        if rows < 0:
            # lower the top first
            top = max(top + rows, bottom)
        elif top < plot.rows - 1:
            top += rows
        else:
            bottom = max(bottom - rows, 0)
        self._select(Region(region.left, right, bottom, top))

    def action_take(self) -> None:
        if self.region_cells is not None and self.plot is not None:
            window = self.plot.window(self.region_cells)
            self.leave()
            self.post_message(self.Selected(window))

    def action_contrast(self) -> None:
        region, plot = self.region_cells, self.plot
        if region is not None and plot is not None:
            self.leave()
            durations = region.bottom == 0 and region.top == plot.rows - 1
            self.post_message(self.Contrasted(plot.inside(region), durations))

    def action_leave(self) -> None:
        self.leave()
        self.post_message(self.Cancelled())

    # --- the mouse ---------------------------------------------------------------------------------------------------

    def _cell_at(self, event: events.MouseEvent) -> tuple[int, int] | None:
        plot = self.plot
        if plot is None or not len(plot.points):
            return None
        column = min(max(event.x - plot.left, 0), plot.columns - 1)
        return column, min(max(plot.rows - 1 - event.y, 0), plot.rows - 1)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        plot = self.plot
        if plot is not None and event.x < plot.width:
            self._pressed = self._cell_at(event)
            self._contrasts = event.button == _RIGHT_BUTTON
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        cell = self._cell_at(event)
        if self._pressed is None or cell is None:
            return
        (left, right), (bottom, top) = (sorted(pair) for pair in zip(self._pressed, cell, strict=True))
        self._select(Region(left, right, bottom, top))

    def on_mouse_up(self, _: events.MouseUp) -> None:
        self.release_mouse()
        pressed, self._pressed = self._pressed, None
        region = self.region_cells
        if pressed is not None and region is not None and (region.right > region.left or region.top > region.bottom):
            if self._contrasts:
                self.action_contrast()
            else:
                self.action_take()
        elif pressed is not None:
            self._select(None)
            point = self.plot.nearest(*pressed) if self.plot is not None else None
            if point is not None:
                # by the time the message arrives, the points may have changed
                self.post_message(self.Picked(int(self._traces[point])))
