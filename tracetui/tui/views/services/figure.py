"""Drawing of the services that the explorer is about, above its columns."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from tracetui.render.graph.diagram import Diagram
from tracetui.render.graph.drawing import GraphDrawing
from tracetui.render.graph.service_drawing import fitting
from tracetui.render.text.line import Line
from tracetui.tui.state import Look
from tracetui.tui.widgets.line_bar import LineBar

_MIN_HEIGHT = 34
"""Smallest height of a terminal for the drawing."""
_MAX_SHARE = 3
"""At most a third of the terminal's height is drawn."""
_INDENT = 2


class ServiceFigure(LineBar):
    """Drawing of a diagram, if it fits."""

    DEFAULT_CSS = "ServiceFigure { display: none; height: 1; margin-bottom: 1; }"

    def __init__(self, look: Look) -> None:
        super().__init__(look.theme)
        self._appearance = look
        self._diagram: Diagram | None = None
        self._roles: dict[str, str] = {}
        self._drawing: GraphDrawing | None = None

    def show_diagram(self, diagram: Diagram | None, role: Callable[[str], str]) -> None:
        """Draw a diagram; None hides the drawing. `role`: returns a service's role."""
        self._diagram = diagram
        self._roles = {node.name: role(node.name) for node in diagram.nodes} if diagram is not None else {}
        self._draw()

    def on_resize(self, _: events.Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        width, height = self.app.size.width - 2 * _INDENT, self.app.size.height
        parent = self.parent
        if parent is not None and parent.size.width:  # type: ignore[attr-defined]
            width = parent.size.width - 2 * _INDENT  # type: ignore[attr-defined]
        drawing = None
        if self._diagram is not None and len(self._diagram.nodes) > 1 and height >= _MIN_HEIGHT:
            glyphs = self._appearance.glyphs
            drawing, _ = fitting(self._diagram, self._roles, glyphs, width, height // _MAX_SHARE)
            if drawing.width > width or drawing.height > height // _MAX_SHARE:
                drawing = None
        self._drawing = drawing
        self.display = drawing is not None
        if drawing is not None:
            self.styles.height = drawing.height
            self.show(lambda _: [self._line(drawing, row) for row in range(drawing.height)])

    @staticmethod
    def _line(drawing: GraphDrawing, row: int) -> Line:
        return Line([(" " * _INDENT, "")]).extend(drawing.line(row))
