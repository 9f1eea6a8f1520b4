"""Drawing of the services that the explorer is about, above its columns, with a cursor that walks along the calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from tracetui.render.graph.diagram import Diagram
from tracetui.render.graph.drawing import GraphDrawing
from tracetui.render.graph.service_drawing import SIZES, fitting, legend, svg
from tracetui.render.services.selected_node import selected_node
from tracetui.render.text.line import Line, Role
from tracetui.tui.keys.services import GRAPH
from tracetui.tui.state import Look
from tracetui.tui.widgets.copy_menu import CopyGraph
from tracetui.tui.widgets.line_bar import LineBar

_LEAST_BELOW = 4
"""Rows kept for the columns: a heading, two rows, and the legend above."""
_TITLE = 1
_INDENT = 2
_MAX_ARROWS = 60
"""Largest number of calls that are laid out: more rarely fit, and their layout would hold up the keys."""


class ServiceFigure(LineBar, can_focus=True):
    """Drawing of a diagram, if it fits into the parent with some rows of the columns."""

    BINDINGS: ClassVar[list[BindingType]] = GRAPH.bindings
    DEFAULT_CSS = "ServiceFigure { display: none; height: 1; }"

    @dataclass
    class Moved(Message):
        """The cursor moved, or the drawing received or lost the focus."""

    @dataclass
    class Chosen(Message):
        """A service was chosen by its key, or by a click on the one under the cursor."""

        service: str

    def __init__(self, look: Look) -> None:
        super().__init__(look.theme)
        self._appearance = look
        self._diagram: Diagram | None = None
        self._drawn: Diagram | None = None
        """Diagram of the drawing, with fewer calls if not all fit."""
        self._drawing: GraphDrawing | None = None
        self._size_at = 0
        """Position of the size of the drawing in `SIZES`."""
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
        self._drawing = self._fitting(self._diagram, room)
        if self._drawing is None and self._diagram is not None:
            self._drawing = self._fitting(self._diagram.without_calls_around, room)
        self.display = self._drawing is not None
        if self._drawing is not None:
            if self.cursor not in self._drawing.boxes:
                self.cursor = self.service
            self.styles.height = self._drawing.height + 1
            self._paint()

    @property
    def copy_graph(self) -> CopyGraph | None:
        """The graph to copy; None if none is drawn."""
        drawing, diagram = self._drawing, self._drawn
        if drawing is None or diagram is None or not self.display:
            return None
        return CopyGraph(lambda: svg(diagram), lambda: drawing.text)

    def _fitting(self, diagram: Diagram | None, room: tuple[int, int]) -> GraphDrawing | None:
        if diagram is None or len(diagram.nodes) < 2 or len(diagram.arrows) > _MAX_ARROWS or min(room) <= 0:
            return None
        drawing, size = fitting(diagram, self._roles, self._appearance.glyphs, *room)
        if drawing.width > room[0] or drawing.height > room[1]:
            return None
        self._drawn, self._size_at = diagram, size
        return drawing

    def _paint(self) -> None:
        if self._drawing is not None:
            chosen = self.cursor if self._has_cursor and self.cursor in self._drawing.boxes else ""
            self._drawing.highlight(chosen, node_role=Role.TITLE, line_role=Role.ACCENT)
            self.show(self._lines)

    def _lines(self, width: int) -> list[Line]:
        if self._drawing is None or self._drawn is None:
            return []
        glyphs = self._appearance.glyphs
        rows = [self._drawing.line(row) for row in range(self._drawing.height)]
        last = Line()
        if self._has_cursor and self.cursor != self.service:
            role = self._roles.get(self.cursor, Role.PLAIN)
            last = selected_node(self._drawn, self.cursor, self.service, role, glyphs).add("   ")
        last.extend(legend(self._drawn, glyphs, SIZES[self._size_at].figures, self._drawing))
        rows.append(last.cropped(max(width - 2 * _INDENT, 1), glyphs.ellipsis))
        return [Line([(" " * _INDENT, "")]).extend(row) for row in rows]

    # --- cursor ------------------------------------------------------------------------------------------------------

    def enter(self, columns: int) -> None:
        """Take the focus, with the cursor on a caller (-1) or callee (1) of the service in focus."""
        self.cursor = self.service
        self.focus()
        self.action_move(columns, 0)

    def action_move(self, columns: int, rows: int) -> None:
        if self._drawing is not None and self.cursor in self._drawing.boxes:
            self._move_to(self._drawing.step(self.cursor, columns, rows))

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
        self._move_to(self.cursor)

    def on_click(self, event: events.Click) -> None:
        service = self._drawing.node_at(event.y, event.x - _INDENT) if self._drawing is not None else None
        if service is not None and service == self.cursor != self.service:
            self.action_choose()
        elif service is not None:
            self._move_to(service)
