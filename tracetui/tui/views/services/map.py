"""Map of the whole system, shown over the services view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from tracetui.render.services.map import ServiceMap
from tracetui.render.text.line import Line
from tracetui.tui.help import HelpScreen
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.keys.services import MAP
from tracetui.tui.state import Look
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView

MAP_EDGES = 3
"""Cells of a line outside the map: the list's edge and its scroll bar."""
_MARK = 2
"""Cells of the list's edge."""


class MapView(LineView):
    """Rows without a row cursor, as a service is selected instead."""

    @dataclass
    class Clicked(Message):
        """A cell was clicked."""

        row: int
        cell: int

    def on_click(self, event: events.Click) -> None:
        event.prevent_default()
        event.stop()
        self.post_message(self.Clicked(event.y + self.scroll_offset.y, event.x - _MARK))

    def _painted(self, row: int, selected: bool, room: tuple[int, int]) -> Strip:  # noqa: ARG002 - the list's
        return super()._painted(row, False, room)


class MapScreen(Dialog[str | None]):
    """Shows the map; the result is a service to explore, or None."""

    BINDINGS: ClassVar[list[BindingType]] = MAP.bindings
    DEFAULT_CSS = """
    MapScreen { background: $background; }
    MapScreen MapView { height: 1fr; }
    """

    def __init__(self, look: Look, shown: ServiceMap) -> None:
        super().__init__()
        self._look, self._map = look, shown
        self._title = LineBar(look.theme, self._title_lines)
        self._heading = LineBar(look.theme, self._heading_lines)
        self._view = MapView(look.theme, look.glyphs.cursor)
        hints = MAP.hints(
            "map.left map.down map.up map.right", "map.zoom-in map.zoom-out", "map.explore", "map.leave", "map.keys"
        )
        self._hints = LineBar(look.theme, lambda width: [KeyNames(self).line(hints).cropped(width)])

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._heading
        yield self._view
        yield self._hints

    def _title_lines(self, width: int) -> list[Line]:
        return [Line([("  ", "")]).extend(self._map.title(max(width - 2, 1)))]

    def _heading_lines(self, width: int) -> list[Line]:
        return [Line([("  ", "")]).extend(self._map.heading(max(width - 4, 1)))]

    def composed(self) -> None:
        self._view.can_focus = False
        self._view.show(self._map, self._map.row)

    def _paint(self) -> None:
        self._view.rows_changed(self._map.row)
        self._title.show(self._title_lines)
        self._heading.show(self._heading_lines)

    def action_move(self, columns: int, rows: int) -> None:
        self._map.move(columns, rows)
        self._paint()

    def action_zoom(self, steps: int) -> None:
        self._map.zoom_by(steps)
        self._paint()

    def on_map_view_clicked(self, event: MapView.Clicked) -> None:
        """Choose a service with the mouse; a second click explores it."""
        name = self._map.at(event.row, event.cell)
        if name is not None and name == self._map.chosen:
            self.action_take()
        elif name is not None:
            self._map.choose(name)
            self._paint()

    def action_keys(self) -> None:
        groups = [("Legend", MAP.glyphs), (MAP.title, MAP.help)]
        self.app.push_screen(HelpScreen(self._look, groups, KeyNames(self)))

    def action_take(self) -> None:
        self.dismiss(self._map.chosen)
