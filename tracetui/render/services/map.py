"""Map of the service graph: services in layers, callers left of callees."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx

from tracetui.analysis.service_graph import ServiceGraph
from tracetui.render.text.cells import fit
from tracetui.render.text.columns import sync_arrow
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.numbers import counted
from tracetui.render.text.safe_text import safe

ZOOMS = (6, 12, 20, 32)
"""Cells of a name at each zoom level."""
_SWEEPS = 4
_LAYERS = 4
"""Number of layers shown initially, if they fit."""
_EDGE = 3
"""Cells before and after a name, for the arrow of a call."""


def layers(graph: ServiceGraph) -> list[list[str]]:
    """Assign services to layers so that calls go from left to right; a cycle is within one layer.

    Within a layer services are sorted by the mean row of their neighbours (barycentre method), so that few calls cross.
    """
    components = nx.condensation(graph.graph)
    found = [
        sorted(name for component in generation for name in components.nodes[component]["members"])
        for generation in nx.topological_generations(components)
    ]
    for sweep in range(_SWEEPS):
        leftwards = sweep % 2 == 1
        around = graph.graph.successors if leftwards else graph.graph.predecessors
        position = {name: row / len(layer) for layer in found for row, name in enumerate(layer)}
        for layer in reversed(found) if leftwards else found:
            centre = {name: _mean([position[other] for other in around(name)], position[name]) for name in layer}
            layer.sort(key=lambda name: (centre[name], name))
            position.update((name, row / len(layer)) for row, name in enumerate(layer))
    return found


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


class ServiceMap:
    """Layers as lines, with one chosen service and its callers and callees highlighted.

    `role` returns a service's colour role. The visible layers follow the chosen service.
    """

    def __init__(self, graph: ServiceGraph, role: Callable[[str], str], glyphs: Glyphs, chosen: str) -> None:
        self.layers = layers(graph)
        self.zoom = 2
        self.chosen = chosen
        self._graph, self._role, self._glyphs = graph, role, glyphs
        self._at = {name: (column, row) for column, layer in enumerate(self.layers) for row, name in enumerate(layer)}
        self._first = 0

    def __len__(self) -> int:
        return max(map(len, self.layers), default=0)

    @property
    def row(self) -> int:
        """The row of the chosen service."""
        return self._at[self.chosen][1]

    def move(self, columns: int, rows: int) -> None:
        """Move the choice by layers and rows, up to the edge."""
        column, row = self._at[self.chosen]
        if columns:
            column = min(max(column + columns, 0), len(self.layers) - 1)
            # keep the row if the other layer is long enough
            row = min(row, len(self.layers[column]) - 1)
        self.chosen = self.layers[column][min(max(row + rows, 0), len(self.layers[column]) - 1)]

    def fit_to(self, width: int) -> None:
        """Choose the longest names that leave room for a few layers."""
        self.zoom = len(ZOOMS) - 1
        while self.zoom and width // self._cells < _LAYERS:
            self.zoom -= 1

    def zoom_by(self, steps: int) -> None:
        """Change the length of names; shorter names leave room for more layers."""
        self.zoom = min(max(self.zoom + steps, 0), len(ZOOMS) - 1)

    def title(self, width: int) -> Line:
        """Return the title: the chosen service and its connections."""
        name = self.chosen
        line = Line([(self._glyphs.service, self._role(name)), (safe(name), Role.TITLE)])
        callers, callees = self._graph.direct_counts(name)
        line.add(f"  {counted(callers, 'caller')}  {counted(callees, 'callee')}", Role.PLAIN)
        line.add(f"   {counted(len(self._at), 'service')} in {counted(len(self.layers), 'layer')}", Role.DIM)
        return line.cropped(width, self._glyphs.ellipsis)

    def heading(self, width: int) -> Line:
        """Return the heading: the range of visible layers."""
        first, shown = self._window(width)
        more = "<" * (first > 0), ">" * (first + shown < len(self.layers))
        text = f"{more[0]} layers {first + 1} to {min(first + shown, len(self.layers))} {more[1]}".strip()
        return Line([(text, Role.DIM)]).cropped(width, self._glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        first, shown = self._window(width)
        line = Line()
        for layer in self.layers[first : first + shown]:
            line.extend(self._cell(layer[row]) if row < len(layer) else Line([(" " * self._cells, "")]))
        return line.cropped(width, self._glyphs.ellipsis)

    @property
    def _cells(self) -> int:
        return _EDGE + 1 + ZOOMS[self.zoom] + _EDGE

    def _window(self, width: int) -> tuple[int, int]:
        """Return the first visible layer and the number of visible ones; neighbours are included if they fit."""
        shown = max(width // self._cells, 1)
        column = self._at[self.chosen][0]
        margin = 1 if shown >= 3 else 0
        self._first = min(max(self._first, column - shown + 1 + margin), column - margin)
        self._first = max(min(self._first, len(self.layers) - shown), 0)
        return self._first, shown

    def _cell(self, name: str) -> Line:
        glyphs, room = self._glyphs, ZOOMS[self.zoom]
        shown = fit(safe(name), room, "left", glyphs.ellipsis)
        service = glyphs.service
        if name == self.chosen:
            text = f"{shown.rstrip()}]"
            line = Line([(" " * (_EDGE - 1) + "[", Role.TITLE), (service, self._role(name)), (text, Role.TITLE)])
        else:
            edges = self._graph.edges.get((self.chosen, name)) or self._graph.edges.get((name, self.chosen))
            mark = ""
            if edges:
                mark = glyphs.async_call if all(edge.is_async for edge in edges) else sync_arrow(glyphs)
            called = (self.chosen, name) in self._graph.edges
            line = Line([((mark if called else "").ljust(_EDGE), Role.ACCENT), (service, self._role(name))])
            text = shown.rstrip()
            line.add(text, Role.STRONG if edges else Role.DIM)
            line.add(" " + mark if mark and not called else "", Role.ACCENT)
        return line.pad(self._cells)
