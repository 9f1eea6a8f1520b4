"""Map of the service graph: a drawing with a movable selection, whose lines are highlighted."""

from __future__ import annotations

from collections.abc import Mapping

from tracetui.analysis.service_graph import ServiceGraph
from tracetui.render.graph.diagram import Diagram, calls_diagram
from tracetui.render.graph.drawing import GraphDrawing
from tracetui.render.graph.service_drawing import SIZES, draw, fitting, legend
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.numbers import counted
from tracetui.render.text.safe_text import safe

_MARGIN = 4
"""Cells kept visible on either side of the chosen service."""


class ServiceMap:
    """Drawing of all services, callers left of callees: a `LineSource`.

    The visible columns follow the chosen service. `width`: cells that the whole drawing should fit.
    """

    def __init__(
        self, graph: ServiceGraph, roles: Mapping[str, str], glyphs: Glyphs, chosen: str, width: int = 80
    ) -> None:
        self.chosen = chosen
        self._graph, self._roles, self._glyphs = graph, roles, glyphs
        self._diagram: Diagram = calls_diagram(graph, graph.names)
        self._first = 0
        self._keeps_columns = False
        """True if the visible columns stay although the chosen service is at their edge."""
        drawing, size = fitting(self._diagram, roles, glyphs, width)
        self.drawing: GraphDrawing = drawing
        self.size: int = size
        """Position in `SIZES`."""
        self._highlight()

    def _highlight(self) -> None:
        self.drawing.highlight(self.chosen, node_role=Role.TITLE, line_role=Role.ACCENT)

    def __len__(self) -> int:
        return self.drawing.height

    @property
    def row(self) -> int:
        """First row of the chosen service."""
        return self.drawing.boxes[self.chosen].row

    def move(self, columns: int, rows: int) -> None:
        """Move the choice: along a line to the left or right, or within the layer; up to the edge."""
        self._keeps_columns = False
        if columns:
            left, right = self.drawing.neighbours(self.chosen)
            connected = right if columns > 0 else left
            if connected:
                self.chosen = min(connected, key=lambda name: abs(self.drawing.boxes[name].row - self.row))
        layer = [place.name for place in self.drawing.layout.layers[self._layer] if not place.is_passage]
        at = layer.index(self.chosen) + rows
        self.chosen = layer[min(max(at, 0), len(layer) - 1)]
        self._highlight()

    @property
    def _layer(self) -> int:
        return self.drawing.places[self.chosen].layer

    def zoom_by(self, steps: int) -> None:
        """Show more detail, or less."""
        size = min(max(self.size - steps, 0), len(SIZES) - 1)
        if size != self.size:
            self.size = size
            self.drawing = draw(self._diagram, self._roles, self._glyphs, SIZES[size])
            self._highlight()

    def choose(self, name: str) -> None:
        """Choose a visible service, without scrolling."""
        self.chosen, self._keeps_columns = name, True
        self._highlight()

    def at(self, row: int, cell: int) -> str | None:
        """Return the service at a row and a cell of the visible part; None for none."""
        column = self._first + cell
        for name, box in self.drawing.boxes.items():
            if box.row <= row < box.row + box.height and box.column <= column < box.column + box.width:
                return name
        return None

    def title(self, width: int) -> Line:
        """Return the title: the chosen service and its connections."""
        name = self.chosen
        line = Line([(self._glyphs.service, self._roles.get(name, Role.PLAIN)), (safe(name), Role.TITLE)])
        callers, callees = self._graph.direct_counts(name)
        line.add(f"  {counted(callers, 'caller')}  {counted(callees, 'callee')}", Role.PLAIN)
        layers = counted(len(self.drawing.layout.layers), "layer")
        line.add(f"   {counted(len(self.drawing.boxes), 'service')} in {layers}", Role.DIM)
        return line.cropped(width, self._glyphs.ellipsis)

    def heading(self, width: int) -> Line:
        """Return the legend, and signs for parts that are out of view."""
        first = self._window(width)
        more = "<" * (first > 0), ">" * (first + width < self.drawing.width)
        line = Line([(f"{more[0]:<1}", Role.ACCENT)]).extend(legend(self._glyphs, SIZES[self.size].figures))
        return line.cropped(width - 2, self._glyphs.ellipsis).pad(width - 2).add(f" {more[1]}", Role.ACCENT)

    def line(self, row: int, width: int) -> Line:
        return self.drawing.line(row, self._window(width), width)

    def _window(self, width: int) -> int:
        """Return the first visible column, so that the chosen service is visible."""
        box = self.drawing.boxes[self.chosen]
        begin, end = box.column - _MARGIN, box.column + box.width + _MARGIN
        if self._keeps_columns:
            return self._first
        if not self._first <= begin or not end <= self._first + width:
            wanted = max(min(begin + (end - begin - width) // 2, self.drawing.width - width), 0)
            # begin with a whole layer, so that no name is cut at the left
            layers = {box.column for box in self.drawing.boxes.values()}
            whole = [column for column in (0, *layers) if column <= box.column and end <= column + width]
            self._first = min(whole, key=lambda column: (abs(column - wanted), column), default=wanted)
        return self._first
