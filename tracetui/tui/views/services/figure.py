"""Drawing of the services that the explorer is about, above its columns."""

from __future__ import annotations

from collections.abc import Callable

from textual.widget import Widget

from tracetui.render.graph.diagram import Diagram
from tracetui.render.graph.drawing import GraphDrawing
from tracetui.render.graph.service_drawing import fitting
from tracetui.render.text.line import Line
from tracetui.tui.state import Look
from tracetui.tui.widgets.line_bar import LineBar

_LEAST_BELOW = 4
"""Rows kept for the columns: a heading, two rows, and the blank row above."""
_TITLE = 1
_INDENT = 2
_MAX_ARROWS = 60
"""Largest number of calls that are laid out: more rarely fit, and their layout would hold up the keys."""


class ServiceFigure(LineBar):
    """Drawing of a diagram, if it fits into the parent with some rows of the columns."""

    DEFAULT_CSS = "ServiceFigure { display: none; height: 1; margin-bottom: 1; }"

    def __init__(self, look: Look) -> None:
        super().__init__(look.theme)
        self._appearance = look
        self._diagram: Diagram | None = None
        self._roles: dict[str, str] = {}
        self._room = (0, 0)
        """Width and height for which it was drawn."""

    def show_diagram(self, diagram: Diagram | None, role: Callable[[str], str]) -> None:
        """Draw a diagram; None hides the drawing. `role`: returns a service's role."""
        self._diagram = diagram
        self._roles = {node.name: role(node.name) for node in diagram.nodes} if diagram is not None else {}
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
        drawing = self._fitting(self._diagram, room)
        if drawing is None and self._diagram is not None:
            drawing = self._fitting(self._diagram.without_calls_around, room)
        self.display = drawing is not None
        if drawing is not None:
            self.styles.height = drawing.height
            self.show(_lines(drawing))

    def _fitting(self, diagram: Diagram | None, room: tuple[int, int]) -> GraphDrawing | None:
        if diagram is None or len(diagram.nodes) < 2 or len(diagram.arrows) > _MAX_ARROWS or min(room) <= 0:
            return None
        drawing, _ = fitting(diagram, self._roles, self._appearance.glyphs, *room)
        return drawing if drawing.width <= room[0] and drawing.height <= room[1] else None


def _lines(drawing: GraphDrawing) -> Callable[[int], list[Line]]:
    """Return a function that builds the lines of a drawing, for any width."""
    return lambda _: [Line([(" " * _INDENT, "")]).extend(drawing.line(row)) for row in range(drawing.height)]
