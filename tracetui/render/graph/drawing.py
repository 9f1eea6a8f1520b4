"""Drawing of a graph in characters, from a `Layout`.

Nodes are in brackets, callers left of callees. Lines are read from left to right: they join at corners and junctions,
and cross everywhere else. An arrowhead points to the called node; for calls against the direction of the layers it is
at the left end. Failing calls have a glyph, asynchronous ones are dotted, and a heavy line means many calls, so that
none of this needs colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tracetui.render.graph.bundles import Bundle, LayerGap, Place
from tracetui.render.graph.layout import Layout, LayoutEdge, lay_out
from tracetui.render.graph.line_glyphs import line_glyphs
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.short_names import distinct_names

_TRACK = 2
"""Cells from one vertical line to the next, so that corners of different bundles do not touch."""
HEAVY = 2
"""Weight from which a line is heavy."""


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """Node of a drawing. `name` and `note` may be untrusted."""

    name: str
    note: str = ""
    """Figure after the name, '' for none."""
    role: str = Role.PLAIN
    glyph: str = ""
    """Glyph before the name, in `glyph_role`; '' for none."""
    glyph_role: str = Role.PLAIN


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """Edge of a drawing."""

    source: str
    target: str
    label: str = ""
    """Figures on the line."""
    is_async: bool = False
    fails: bool = False
    weight: int = 1
    """1, or `HEAVY` and more for a heavy line."""
    role: str = Role.GUIDE


_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Box:
    """Cells of a node: first column and row, and size."""

    column: int
    row: int
    width: int
    height: int


class GraphDrawing:
    """Drawing of a graph as lines of any part of it, in which the lines of one node can be highlighted.

    name_width: most cells of a name; longer ones are cut. layout: that of the same nodes and edges, if it is known.
    """

    def __init__(
        self,
        nodes: Mapping[str, DrawnNode],
        edges: Sequence[DrawnEdge],
        glyphs: Glyphs,
        *,
        name_width: int = 40,
        layout: Layout | None = None,
    ) -> None:
        self._nodes, self._glyphs = nodes, glyphs
        self._line_glyphs = line_glyphs(glyphs)
        self._short_names = distinct_names([node.name for node in nodes.values()], name_width, glyphs.ellipsis)
        self._edges: dict[tuple[str, str], DrawnEdge] = {}
        for edge in edges:
            # if calls are both synchronous and asynchronous, draw the synchronous ones
            known = self._edges.get((edge.source, edge.target))
            if known is None or known.is_async > edge.is_async:
                self._edges[edge.source, edge.target] = edge
        drawn = self._edges.values()
        self.layout = layout or lay_out(nodes, (LayoutEdge(edge.source, edge.target, edge.is_async) for edge in drawn))
        self.places = {place.name: place for layer in self.layout.layers for place in layer if not place.is_passage}
        """Places of the nodes, by name."""
        self.boxes: dict[str, Box] = {}
        self._roles = [Role.PLAIN]
        self._columns: list[int] = []
        """First column of each layer."""
        self._track_columns: list[int] = []
        """Column of the first track of each gap."""
        self._set_columns()
        self.height = self.layout.height
        self._texts = np.full((self.height, self.width), " ", "U1")
        self._role_numbers = np.zeros((self.height, self.width), np.uint8)
        self._base_roles = self._role_numbers
        """Roles without a highlight."""
        self._highlighted: list[tuple[slice, slice]] = []
        self._chosen = ""
        """Highlighted node."""
        for at, gap in enumerate(self.layout.gaps):
            self._draw_gap(at, gap)
        for layer in self.layout.layers:
            for place in layer:
                self._draw_place(place)

    # --- geometry ----------------------------------------------------------------------------------------------------

    def _set_columns(self) -> None:
        column = 0
        for at, layer in enumerate(self.layout.layers):
            self._columns.append(column)
            for place in layer:
                if not place.is_passage:
                    width = cell_width(self._shown(place.name)) + 2
                    self.boxes[place.name] = Box(column, place.row, width, place.height)
            column += max((self.boxes[place.name].width for place in layer if not place.is_passage), default=1)
            if at < len(self.layout.gaps):
                gap = self.layout.gaps[at]
                left = max((len(self._left_label(bundle)) for bundle in gap.bundles), default=0)
                right = max((len(text) for bundle in gap.bundles for text in self._right_labels(bundle)), default=0)
                self._track_columns.append(column + left + 2)
                column += left + 2 + _TRACK * gap.track_count + right + 3
        self.width = max(column, 1)

    def _shown(self, name: str) -> str:
        """Return the text of a node between its brackets."""
        node = self._nodes[name]
        glyph = node.glyph if not self._glyphs.ascii_only else ""
        return f"{glyph}{self._short_names[name]}" + (f" {node.note}" if node.note else "")

    def _column_after(self, place: Place) -> int:
        """Return the first column to the right of a node or passage."""
        if place.is_passage:
            return self._columns[place.layer] + 1
        box = self.boxes[place.name]
        return box.column + box.width

    # --- edges of bundles --------------------------------------------------------------------------------------------

    def _ends_behind(self, place: Place) -> list[str]:
        """List the nodes to which a bundle leads at this place: the node itself, or those behind a passage."""
        found: list[str] = []
        waiting = [place]
        while waiting:
            one = waiting.pop()
            if not one.is_passage:
                found.append(one.name)
                continue
            waiting += [target for other in one.right for target in other.targets]
        return found

    def _edge(self, bundle: Bundle, left: Place, right: Place) -> DrawnEdge | None:
        """Return the only edge that a stub represents; None if it represents several."""
        ends = self._ends_behind(right)
        if len(ends) != 1:
            return None
        # a passage has the name of the node on its left
        pair = (ends[0], left.name) if bundle.is_reversed else (left.name, ends[0])
        return self._edges.get(pair)

    def _left_edge_of(self, bundle: Bundle, source: Place) -> DrawnEdge | None:
        """Return the edge of the stub at a source, if the bundle leads from several sources to one target."""
        if len(bundle.targets) == 1 and len(bundle.sources) > 1:
            return self._edge(bundle, source, bundle.targets[0])
        return None

    def _right_edge_of(self, bundle: Bundle, target: Place) -> DrawnEdge | None:
        """Return the edge of the stub at a target, if the bundle begins at one source only."""
        return self._edge(bundle, bundle.sources[0], target) if len(bundle.sources) == 1 else None

    def _label(self, edge: DrawnEdge | None) -> str:
        if edge is None:
            return ""
        return f"{self._glyphs.origin if edge.fails else ''}{edge.label}"

    def _left_label(self, bundle: Bundle) -> str:
        labels = [self._label(self._left_edge_of(bundle, source)) for source in bundle.sources if not source.is_passage]
        return max(labels, key=len, default="")

    def _right_labels(self, bundle: Bundle) -> list[str]:
        return [self._label(self._right_edge_of(bundle, target)) for target in bundle.targets if not target.is_passage]

    def _style(self, bundle: Bundle, edge: DrawnEdge | None) -> tuple[str, str]:
        """Return the glyph and the role of a horizontal line."""
        role = edge.role if edge is not None else Role.GUIDE
        if edge is not None and edge.fails:
            role = Role.ERROR
        if bundle.style:
            return self._line_glyphs.dotted, role
        return (
            self._line_glyphs.heavy if edge is not None and edge.weight >= HEAVY else self._line_glyphs.horizontal,
            role,
        )

    # --- painting ----------------------------------------------------------------------------------------------------

    def _number(self, role: str) -> int:
        if role not in self._roles:
            self._roles.append(role)
        return self._roles.index(role)

    def _put(self, row: int, column: int, text: str, role: str) -> None:
        """Write a text into the cells; a wide character takes two."""
        cells: list[str] = []
        for letter in text:
            width = cell_width(letter)
            if width == 0:
                continue
            cells += [letter, *[""] * (width - 1)]
        stop = min(column + len(cells), self.width)
        self._texts[row, column:stop] = cells[: stop - column]
        self._role_numbers[row, column:stop] = self._number(role)

    def _horizontal(self, row: int, begin: int, end: int, glyph: str, role: str) -> None:
        cells = np.arange(begin, end)
        if self._glyphs.ascii_only:
            # a + above or below a horizontal line would not show whether it continues behind the line
            cells = cells[
                ~np.isin(self._texts[row, begin:end], (self._line_glyphs.vertical, self._line_glyphs.dotted_vertical))
            ]
        self._texts[row, cells] = glyph
        self._role_numbers[row, cells] = self._number(role)

    def _draw_gap(self, at: int, gap: LayerGap) -> None:
        for bundle in gap.bundles:
            if bundle.track >= 0:
                rows = bundle.left_rows + bundle.right_rows
                column = self._track_columns[at] + _TRACK * bundle.track
                glyph = self._line_glyphs.dotted_vertical if bundle.style else self._line_glyphs.vertical
                self._texts[min(rows) : max(rows) + 1, column] = glyph
                self._role_numbers[min(rows) : max(rows) + 1, column] = self._number(Role.GUIDE)
        for bundle in gap.bundles:
            self._draw_stubs(at, bundle)
        for bundle in gap.bundles:
            if bundle.track >= 0:
                self._draw_joins(at, bundle)

    def _draw_stubs(self, at: int, bundle: Bundle) -> None:
        column = self._track_columns[at] + _TRACK * bundle.track if bundle.track >= 0 else None
        next_column = self._columns[at + 1]
        for source in bundle.sources:
            row, begin = source.right_row(bundle), self._column_after(source)
            edge = self._left_edge_of(bundle, source)
            if column is None:
                edge = edge or self._right_edge_of(bundle, bundle.targets[0])
            glyph, role = self._style(bundle, edge)
            self._horizontal(row, begin, next_column if column is None else column, glyph, role)
            if bundle.is_reversed and not source.is_passage:
                self._put(row, begin, self._line_glyphs.backward, role)
            label = self._label(edge) if not source.is_passage else ""
            if label and column is not None:
                self._put(row, begin + 1, label, role)
        for target in bundle.targets:
            row = target.left_row(bundle)
            edge = self._right_edge_of(bundle, target)
            glyph, role = self._style(bundle, edge)
            if column is not None:
                self._horizontal(row, column + 1, next_column, glyph, role)
            if target.is_passage:
                continue
            label = self._label(edge)
            if label:
                self._put(row, next_column - 1 - len(label) - (not bundle.is_reversed), label, role)
            if not bundle.is_reversed:
                self._put(row, next_column - 1, self._line_glyphs.forward, role)

    def _draw_joins(self, at: int, bundle: Bundle) -> None:
        column = self._track_columns[at] + _TRACK * bundle.track
        left, right = set(bundle.left_rows), set(bundle.right_rows)
        low, high = min(left | right), max(left | right)
        for row in left | right:
            arms = (row > low) * _UP | (row < high) * _DOWN | (row in left) * _LEFT | (row in right) * _RIGHT
            self._put(row, column, self._line_glyphs.joins[arms], Role.GUIDE)

    def _draw_place(self, place: Place) -> None:
        if place.is_passage:
            self._draw_passage(place)
            return
        node, box = self._nodes[place.name], self.boxes[place.name]
        for row in range(box.row, box.row + box.height):
            self._put(row, box.column, self._line_glyphs.opening, node.role)
            self._horizontal(row, box.column + 1, box.column + box.width - 1, " ", node.role)
            self._put(row, box.column + box.width - 1, self._line_glyphs.closing, node.role)
        self._put(box.row, box.column + 1, self._shown(place.name), node.role)
        if node.glyph and not self._glyphs.ascii_only:
            self._put(box.row, box.column + 1, node.glyph, node.glyph_role)

    def _draw_passage(self, place: Place) -> None:
        """Draw the lines through a layer; one that divides does so at its left."""
        begin = self._columns[place.layer]
        end = self._track_columns[place.layer] - 2 if place.layer < len(self._track_columns) else begin + 1
        for bundle in place.right:
            glyph, role = self._style(bundle, None)
            edge = self._edge(bundle, place, bundle.targets[0]) if len(bundle.targets) == 1 else None
            if edge is not None:
                glyph = self._style(bundle, edge)[0]
            self._horizontal(place.right_row(bundle), begin, end, glyph, role)
        rows = {place.left_row(bundle) for bundle in place.left} | {place.right_row(bundle) for bundle in place.right}
        if len(rows) < 2:
            return
        low, high = min(rows), max(rows)
        left = {place.left_row(bundle) for bundle in place.left}
        right = {place.right_row(bundle) for bundle in place.right}
        for row in range(low, high + 1):
            arms = (row > low) * _UP | (row < high) * _DOWN | (row in left) * _LEFT | (row in right) * _RIGHT
            self._put(row, begin, self._line_glyphs.joins[arms], Role.GUIDE)

    # --- highlighting ------------------------------------------------------------------------------------------------

    def highlight(self, name: str, *, node_role: str, line_role: str) -> None:
        """Highlight a node and all lines to and from it, instead of the node highlighted before.

        Without colour it has other brackets.
        """
        if self._chosen:
            self._put_brackets(self.boxes[self._chosen], self._line_glyphs.opening + self._line_glyphs.closing)
        self._chosen = name
        if self._base_roles is self._role_numbers:
            self._role_numbers = self._base_roles.copy()
        for cells in self._highlighted:
            self._role_numbers[cells] = self._base_roles[cells]
        place, box = self.places[name], self.boxes[name]
        self._highlighted = [*self._onwards(place), *self._back(place)]
        line_number, node_number = self._number(line_role), self._number(node_role)
        error_number = self._number(Role.ERROR)
        for cells in self._highlighted:
            # failing calls keep their colour
            part = self._role_numbers[cells]
            part[part != error_number] = line_number
        own = slice(box.row, box.row + box.height), slice(box.column, box.column + box.width)
        self._role_numbers[own] = node_number
        self._highlighted.append(own)
        self._put_brackets(box, self._line_glyphs.chosen)

    def _put_brackets(self, box: Box, brackets: str) -> None:
        rows = slice(box.row, box.row + box.height)
        self._texts[rows, box.column] = brackets[0]
        self._texts[rows, box.column + box.width - 1] = brackets[1]

    def _onwards(self, place: Place) -> Iterator[tuple[slice, slice]]:
        """Yield the cells of the lines to the right of a place, through passages."""
        waiting = [place]
        while waiting:
            one = waiting.pop()
            for bundle in one.right:
                row = one.right_row(bundle)
                for target in bundle.targets:
                    yield from self._line_cells(one, bundle, row, target)
                    if target.is_passage:
                        yield self._passage_cells(target)
                        waiting.append(target)

    def _back(self, place: Place) -> Iterator[tuple[slice, slice]]:
        """Yield the cells of the lines to the left of a place, through passages."""
        for bundle in place.left:
            for source in bundle.sources:
                one, via, target = source, bundle, place
                yield from self._line_cells(one, via, one.right_row(via), target)
                while one.is_passage:
                    yield self._passage_cells(one)
                    target, via = one, one.left[0]
                    one = via.sources[0]
                    yield from self._line_cells(one, via, one.right_row(via), target)

    def _line_cells(self, source: Place, bundle: Bundle, row: int, target: Place) -> Iterator[tuple[slice, slice]]:
        """Yield the cells of the line from one place to another."""
        begin, end = self._column_after(source), self._columns[source.layer + 1]
        if bundle.track < 0:
            yield slice(row, row + 1), slice(begin, end)
            return
        column = self._track_columns[source.layer] + _TRACK * bundle.track
        other = target.left_row(bundle)
        yield slice(row, row + 1), slice(begin, column)
        yield slice(min(row, other), max(row, other) + 1), slice(column, column + 1)
        yield slice(other, other + 1), slice(column + 1, end)

    def _passage_cells(self, place: Place) -> tuple[slice, slice]:
        begin = self._columns[place.layer]
        end = self._track_columns[place.layer] - 2 if place.layer < len(self._track_columns) else begin + 1
        return slice(place.row, place.row + place.height), slice(begin, end)

    def neighbours(self, name: str) -> tuple[list[str], list[str]]:
        """List the nodes that are connected to a node on its left and on its right, from top to bottom."""
        row = {name: box.row for name, box in self.boxes.items()}
        column = {name: box.column for name, box in self.boxes.items()}
        around = {target if source == name else source for source, target in self._edges if name in (source, target)}
        ordered = sorted(around, key=lambda other: row[other])
        here = column[name]
        return [other for other in ordered if column[other] < here], [
            other for other in ordered if column[other] > here
        ]

    # --- lines -------------------------------------------------------------------------------------------------------

    def line(self, row: int, first: int = 0, width: int | None = None) -> Line:
        """Return a row of the drawing from column `first` on, without blanks at the end."""
        stop = self.width if width is None else min(first + width, self.width)
        if row >= self.height or first >= stop:
            return Line()
        filled = np.flatnonzero(self._texts[row, first:stop] != " ")
        stop = first + int(filled[-1]) + 1 if len(filled) else first
        if first == stop:
            return Line()
        texts, roles = self._texts[row, first:stop], self._role_numbers[row, first:stop]
        begins = np.flatnonzero(np.append(True, roles[1:] != roles[:-1]))
        line = Line()
        for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(roles)], strict=True):
            line.add("".join(texts[begin:end].tolist()), self._roles[int(roles[begin])])
        return line
