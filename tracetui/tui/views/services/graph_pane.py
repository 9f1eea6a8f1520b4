"""Drawing of the services that the explorer is about, above its columns, with a cursor that walks along the calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from tracetui.render.graph.diagram import Diagram
from tracetui.render.graph.drawing import GraphDrawing
from tracetui.render.graph.service_drawing import SIZES, fitting, legend, svg
from tracetui.render.services.selected_node import selected_node
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.tui.background_work import Work
from tracetui.tui.keys.services import GRAPH
from tracetui.tui.state import Look
from tracetui.tui.widgets.copy_menu import CopyGraph
from tracetui.tui.widgets.line_bar import LineBar

_LEAST_BELOW = 4
"""Rows kept for the columns: a heading, two rows, and the legend above."""
_TITLE = 1
_INDENT = 2
_MAX_ARROWS = 60
"""Largest number of calls that are laid out: more rarely fit."""
_AT_ONCE = 12
"""Largest number of calls that are laid out on the UI loop: more would hold up the keys."""


class _Drawn(NamedTuple):
    """Drawing of a diagram, which has fewer calls if not all fit, and the position of its size in `SIZES`."""

    drawing: GraphDrawing
    diagram: Diagram
    size: int


def _fitting(diagram: Diagram | None, roles: Mapping[str, str], glyphs: Glyphs, room: tuple[int, int]) -> _Drawn | None:
    """Draw a diagram, or else only the calls of the services in focus; None if that does not fit either."""
    for one in (diagram, diagram.without_calls_around if diagram is not None else None):
        if one is None or len(one.nodes) < 2 or len(one.arrows) > _MAX_ARROWS or min(room) <= 0:
            continue
        drawing, size = fitting(one, roles, glyphs, *room)
        if drawing.width <= room[0] and drawing.height <= room[1]:
            return _Drawn(drawing, one, size)
    return None


class GraphPane(LineBar, can_focus=True):
    """Drawing of a diagram, if it fits into the parent with some rows of the columns."""

    BINDINGS: ClassVar[list[BindingType]] = GRAPH.bindings
    DEFAULT_CSS = "GraphPane { display: none; height: 1; }"

    @dataclass
    class Moved(Message):
        """The cursor moved, or the drawing received or lost the focus."""

    @dataclass
    class Chosen(Message):
        """A service was chosen by its key, or by a click on the one under the cursor."""

        service: str

    def __init__(self, look: Look, work: Work) -> None:
        super().__init__(look.theme)
        self._appearance, self._work = look, work
        self._diagram: Diagram | None = None
        self._drawn: _Drawn | None = None
        """None if nothing is drawn."""
        self._roles: dict[str, str] = {}
        self.service = self.cursor = ""
        """Service in focus, and the one under the cursor."""
        self._has_cursor = False
        """True while the cursor is shown, with the focus."""
        self._room = (0, 0)
        """Width and height for which it was drawn."""

    def show_diagram(self, diagram: Diagram | None, service: str, role: Callable[[str], str]) -> None:
        """Draw a diagram about a service; None hides the drawing. `role`: returns a service's role."""
        names = {node.name for node in diagram.nodes} if diagram is not None else set()
        if service != self.service or self.cursor not in names:
            self.cursor = service
        self._diagram, self.service = diagram, service
        self._roles = {name: role(name) for name in names}
        self._room = (0, 0)
        # in the same frame as the columns below, unless the view is not laid out yet
        if isinstance(self.parent, Widget) and self.parent.size.height:
            self.fit()
        else:
            self.call_after_refresh(self.fit)

    def fit(self) -> None:
        """Draw again if the parent's size changed."""
        parent = self.parent
        if not isinstance(parent, Widget):
            return
        room = parent.size.width - 2 * _INDENT, parent.size.height - _TITLE - _LEAST_BELOW
        if room == self._room:
            return
        self._room = room
        diagram, roles, glyphs = self._diagram, self._roles, self._appearance.glyphs

        def done(drawn: _Drawn | None) -> None:
            if diagram is self._diagram and room == self._room:
                self._show_drawn(drawn)

        if diagram is None or len(diagram.arrows) <= _AT_ONCE:
            done(_fitting(diagram, roles, glyphs, room))
        else:
            self._work("services-graph", lambda: _fitting(diagram, roles, glyphs, room), done)

    def _show_drawn(self, drawn: _Drawn | None) -> None:
        self._drawn = drawn
        self.display = drawn is not None
        if drawn is None:
            # the focus must leave a hidden widget
            self.post_message(self.Moved())
            return
        if self.cursor not in drawn.drawing.boxes:
            self.cursor = self.service
        self.styles.height = drawn.drawing.height + 1
        self._paint()

    @property
    def copy_graph(self) -> CopyGraph | None:
        """The graph to copy; None if none is drawn."""
        drawn = self._drawn
        if drawn is None:
            return None
        roles = self._roles
        return CopyGraph(lambda: svg(drawn.diagram, roles), lambda: drawn.drawing.text)

    def _paint(self) -> None:
        if self._drawn is not None:
            drawing = self._drawn.drawing
            chosen = self.cursor if self._has_cursor and self.cursor in drawing.boxes else ""
            drawing.highlight(chosen, node_role=Role.TITLE, line_role=Role.ACCENT)
            self.show(self._lines)

    def _lines(self, width: int) -> list[Line]:
        if self._drawn is None:
            return []
        (drawing, diagram, size), glyphs = self._drawn, self._appearance.glyphs
        rows = [drawing.line(row) for row in range(drawing.height)]
        last = Line()
        if self._has_cursor and self.cursor != self.service:
            role = self._roles.get(self.cursor, Role.PLAIN)
            last = selected_node(diagram, self.cursor, self.service, role, glyphs).add("   ")
        last.extend(legend(diagram, glyphs, SIZES[size].figures, drawing))
        rows.append(last.cropped(max(width - 2 * _INDENT, 1), glyphs.ellipsis))
        return [Line([(" " * _INDENT, "")]).extend(row) for row in rows]

    # --- cursor ------------------------------------------------------------------------------------------------------

    def enter(self, columns: int) -> None:
        """Take the focus, with the cursor on a caller (-1) or callee (1) of the service in focus."""
        self.cursor = self.service
        self.focus()
        self.action_move(columns, 0)

    def action_move(self, columns: int, rows: int) -> None:
        if self._drawn is not None and self.cursor in self._drawn.drawing.boxes:
            self._move_to(self._drawn.drawing.step(self.cursor, columns, rows))

    def _move_to(self, service: str) -> None:
        self.cursor = service
        self._paint()
        self.post_message(self.Moved())

    def action_choose(self) -> None:
        self.post_message(self.Chosen(self.cursor))

    def on_focus(self) -> None:
        self._has_cursor = True
        self._move_to(self.cursor)

    def on_blur(self) -> None:
        self._has_cursor = False
        # a click on a service chooses it only if the cursor was seen there
        self._move_to(self.service)

    def on_click(self, event: events.Click) -> None:
        service = self._drawn.drawing.node_at(event.y, event.x - _INDENT) if self._drawn is not None else None
        if service is not None and service == self.cursor != self.service:
            self.action_choose()
        elif service is not None:
            self._move_to(service)
