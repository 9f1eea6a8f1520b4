"""Map of the whole system, shown over the services view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input

from tracetui.analysis.service_groups import OpenedGroups
from tracetui.render.graph.service_drawing import SIZES, svg
from tracetui.render.services.map import MapMaker, MapPart, ServiceMap
from tracetui.render.text.line import Line, Role
from tracetui.tui.background_work import Work
from tracetui.tui.help import HelpScreen, with_key_names
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.keys.services import MAP, MAP_SEARCH
from tracetui.tui.state import Look
from tracetui.tui.widgets.copy_menu import CopyGraph, open_graph_menu
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.safe_input import SafeInput

MAP_EDGES = 3
"""Cells of a line outside the map: the list's edge and its scroll bar."""
_MARK = 2
"""Cells of the list's edge."""
_WHEEL = 8
"""Columns for a step of the wheel."""
_JOB = "services-map"


class MapView(LineView):
    """Rows without a row cursor, as a service is selected instead. They are dragged with the mouse."""

    @dataclass
    class Clicked(Message):
        """A cell was clicked."""

        row: int
        cell: int

    @dataclass
    class Panned(Message):
        """The visible columns were moved."""

        columns: int

    _grip: tuple[int, int, int] | None = None
    """Position of the mouse and first row when the button was pressed, or the map last moved; None without a drag."""
    _is_dragged = False

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._grip, self._is_dragged = (event.screen_x, event.screen_y, self.scroll_offset.y), False
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._grip is None:
            return
        column, row, top = self._grip
        columns, rows = column - event.screen_x, row - event.screen_y
        if not (columns or rows):
            return
        self._is_dragged = True
        self.scroll_to(y=top + rows, animate=False, force=True, immediate=True)
        if columns:
            self.post_message(self.Panned(columns))
            self._grip = event.screen_x, row, top

    def on_mouse_up(self) -> None:
        self._grip = None
        self.release_mouse()

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        self._pan(event, -_WHEEL)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        self._pan(event, _WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if event.shift or event.ctrl:
            self._pan(event, -_WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if event.shift or event.ctrl:
            self._pan(event, _WHEEL)

    def _pan(self, event: events.MouseEvent, columns: int) -> None:
        event.prevent_default()
        event.stop()
        self.post_message(self.Panned(columns))

    def on_click(self, event: events.Click) -> None:
        event.prevent_default()
        event.stop()
        if not self._is_dragged:
            self.post_message(self.Clicked(event.y + self.scroll_offset.y, event.x - _MARK))

    def _painted(self, row: int, selected: bool, room: tuple[int, int]) -> Strip:  # noqa: ARG002 - the list's
        return super()._painted(row, False, room)


class _SearchInput(SafeInput):
    """Input for a part of a name."""

    BINDINGS: ClassVar[list[BindingType]] = MAP_SEARCH.bindings


class MapScreen(Dialog[str | None]):
    """Shows the map; the result is a service to explore, or None."""

    IS_PAGE = True
    BINDINGS: ClassVar[list[BindingType]] = MAP.bindings
    DEFAULT_CSS = """
    MapScreen { background: $background; }
    MapScreen MapView { height: 1fr; overflow-y: scroll; }
    MapScreen Input { height: 1; padding: 0 2; border: none; background: $background; display: none; }
    MapScreen Input:focus { border: none; background-tint: $foreground 0%; }
    """

    def __init__(self, look: Look, work: Work, maker: MapMaker, shown: ServiceMap) -> None:
        super().__init__()
        self._look, self._work, self._maker, self._map = look, work, maker, shown
        self._wanted: tuple[OpenedGroups, int | None] = (shown.part.scope, shown.part.size)
        """Opened groups and size that were asked for last; they may still be drawn."""
        self._matches: list[str] = []
        self._title = LineBar(look.theme, self._title_lines)
        self._heading = LineBar(look.theme, self._heading_lines)
        self._view = MapView(look.theme, look.glyphs.cursor)
        self._input = _SearchInput(placeholder="part of a name", select_on_focus=False)
        self._input.cursor_blink = False
        self._hints = LineBar(look.theme, self._hint_lines)

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._heading
        yield self._view
        yield self._input
        yield self._hints

    def _title_lines(self, width: int) -> list[Line]:
        return [Line([("  ", "")]).extend(self._map.title(max(width - 2, 1)))]

    def _heading_lines(self, width: int) -> list[Line]:
        return [Line([("  ", "")]).extend(self._map.heading(max(width - 4, 1)))]

    def _hint_lines(self, width: int) -> list[Line]:
        if self._input.display:
            if not self._has_match:
                return [Line([("  no match  ", Role.WARNING)]).extend(KeyNames(self).line(MAP.hints("map.leave")))]
            hints = [*MAP_SEARCH.hints("map.search"), *MAP.hints("map.leave")]
        else:
            back = "close" if self._map.part.scope else "back"
            opens = "open" if len(self._map.group) > 1 else "explore"
            hints = MAP.hints("map.left map.down map.up map.right", "map.zoom-in map.zoom-out", "map.find")
            hints += [("{map.explore}", opens), ("{map.leave}", back), *MAP.hints("map.keys")]
        return [KeyNames(self).line(hints).cropped(width)]

    def composed(self) -> None:
        self._view.can_focus = False
        self._view.show(self._map, self._map.row)
        self._map.take_stale_rows(self._view.line_width)

    def _paint(self, *, follows: bool = True) -> None:
        """Paint what changed. `follows`: scroll to the choice."""
        stale = self._map.take_stale_rows(self._view.line_width)
        if stale is None and follows:
            self._view.rows_changed(self._map.row)
        elif stale is None:
            self._view.lines_changed()
        else:
            for row in sorted(stale):
                self._view.refresh_row(row)
            if follows:
                self._view.cursor = self._map.row
        self._title.show(self._title_lines)
        self._heading.show(self._heading_lines)
        self._hints.show(self._hint_lines)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _draw(self, make: Callable[[], MapPart], chosen: str) -> None:
        """Draw another part outside the UI loop, then show it."""

        def done(part: MapPart) -> None:
            if not self.is_closed:
                self._wanted = part.scope, part.size
                self._map.show(part, chosen)
                self._paint()

        self._work(_JOB, make, done)

    def action_zoom(self, steps: int) -> None:
        scope, size = self._wanted
        before = self._map.part.size if size is None else size
        wanted = min(max(before - steps, 0), len(SIZES) - 1)
        if wanted != before:
            self._wanted = scope, wanted
            self._draw(lambda: self._maker.part(scope, wanted), self._map.chosen)

    def action_take(self) -> None:
        """Open the chosen group, or explore the chosen service."""
        group = self._map.group
        if len(group) > 1:
            scope = self._maker.groups.opened(self._map.part.scope, group)
            self._draw(lambda: self._maker.part(scope), group.name)
        else:
            self.dismiss(group.name)

    def action_back(self) -> None:
        """Close the search, the innermost group or the map."""
        scope = self._map.part.scope
        if self._input.display:
            self._close_search()
        elif scope:
            self._draw(lambda: self._maker.part(scope[:-1]), scope[-1].name)
        else:
            self.dismiss(None)

    def action_copy(self) -> None:
        """Show the copy menu of the chosen service and of the part of the map that is drawn."""
        part = self._map.part
        graph = CopyGraph(lambda: svg(part.diagram, self._maker.roles), lambda: part.drawing.text)
        open_graph_menu(self, self._look, self._work, self._map.chosen, graph)

    # --- moving ------------------------------------------------------------------------------------------------------

    def action_move(self, columns: int, rows: int) -> None:
        self._map.move(columns, rows)
        self._paint()

    def on_map_view_clicked(self, event: MapView.Clicked) -> None:
        """Choose a service with the mouse; a second click explores it, or opens a group."""
        name = self._map.at(event.row, event.cell)
        if name is not None and name == self._map.chosen:
            self.action_take()
        elif name is not None:
            self._map.choose(name, scrolls=False)
            self._paint()

    def on_map_view_panned(self, event: MapView.Panned) -> None:
        self._map.pan(event.columns)
        self._paint(follows=False)

    # --- search ------------------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        self._input.display = True
        self._input.focus()
        self._hints.show(self._hint_lines)

    def _close_search(self) -> None:
        self._input.display = False
        self.set_focus(None)
        self._hints.show(self._hint_lines)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._matches = self._maker.found(event.value.strip()) if event.value.strip() else []
        if self._matches:
            self._go_to(self._matches[0])
        self._hints.show(self._hint_lines)

    @property
    def _has_match(self) -> bool:
        return bool(self._matches) or not self._input.value.strip()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._has_match:
            self._close_search()

    def action_next(self, step: int) -> None:
        """Go to the next or previous match."""
        if not self._matches:
            return
        members = set(self._map.group.members)
        shown = [at for at, name in enumerate(self._matches) if name in members]
        at = (shown[0] + step) % len(self._matches) if shown else 0
        self._go_to(self._matches[at])

    def _go_to(self, service: str) -> None:
        """Choose a service, and show its part of the map first if necessary."""
        if self._map.part.groups.get(service) is not None and len(self._map.part.groups[service]) == 1:
            self._map.choose(service)
            self._paint()
        else:
            self._draw(lambda: self._maker.around(service), service)

    def action_keys(self) -> None:
        groups = [("Legend", MAP.glyphs), ("Mouse", MAP.words), (MAP.title, MAP.help)]
        self.app.push_screen(HelpScreen(self._look, with_key_names(groups, KeyNames(self), self._look.glyphs)))
