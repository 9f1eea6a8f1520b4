"""Drawing of a graph in characters, from a `Layout`.

Nodes are in brackets, callers left of callees. Lines are read from left to right: where they join, each line from the
left leads to each line to the right. Crossing lines have a glyph of their own. An arrowhead points to the called node;
for calls against the direction of the layers it is at the left end. Failing calls have a glyph, asynchronous ones are
dotted, and a heavy line means many calls, so that none of this needs colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tracetui.render.graph.bundles import Bundle, LayerGap, Place
from tracetui.render.graph.canvas import Canvas
from tracetui.render.graph.geometry import Box, Geometry
from tracetui.render.graph.layers import LayoutEdge
from tracetui.render.graph.layout import LayerOrder, order_layers
from tracetui.render.graph.line_glyphs import line_glyphs
from tracetui.render.graph.node_names import names_in_rows
from tracetui.render.graph.stub_edges import HEAVY, DrawnEdge, StubEdges
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role


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


_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8


class GraphDrawing:
    """Drawing of a graph as lines of any part of it, in which the lines of one node can be highlighted.

    name_width, name_rows: most cells and rows of a name; longer ones are cut. order: that of the same nodes and edges,
    if it is known.
    """

    def __init__(
        self,
        nodes: Mapping[str, DrawnNode],
        edges: Sequence[DrawnEdge],
        glyphs: Glyphs,
        *,
        name_width: int = 40,
        name_rows: int = 1,
        order: LayerOrder | None = None,
    ) -> None:
        self._nodes, self._glyphs = nodes, glyphs
        self._line_glyphs = line_glyphs(glyphs)
        self._edges = StubEdges(edges)
        drawn = self._edges.of_pair.values()
        self.order = order or order_layers(
            nodes, (LayoutEdge(edge.source, edge.target, edge.is_async, edge.is_labelled) for edge in drawn)
        )
        names = names_in_rows((node.name for node in nodes.values()), name_width, name_rows, glyphs.ellipsis)
        self._texts = {name: self._with_note(nodes[name], names[nodes[name].name], name_rows) for name in nodes}
        self.layout = self.order.place({name: len(texts) for name, texts in self._texts.items()})
        self.places = {place.name: place for layer in self.layout.layers for place in layer if not place.is_passage}
        """Places of the nodes, by name."""
        widths = {name: max(map(cell_width, texts)) + 2 for name, texts in self._texts.items()}
        self._geometry = Geometry(self.layout, widths, [self._label_widths(gap) for gap in self.layout.gaps])
        self.width, self.height = self._geometry.width, self.layout.height
        self._canvas = Canvas(self.height, self.width)
        self._is_painted = self._has_crossings = self._has_joins = False
        self._chosen = ""
        """Highlighted node."""
        self._name_cells: dict[int, list[tuple[int, int]]] = {}
        """First column of each name in a row, and the column after its last, by row."""

    def paint(self) -> None:
        """Paint the drawing, unless it is painted. Slow; the size is known without it."""
        if self._is_painted:
            return
        self._is_painted = True
        passages = [place for layer in self.layout.layers for place in layer if place.is_passage]
        for place in passages:
            self._draw_passage(place)
        for at, gap in enumerate(self.layout.gaps):
            self._draw_gap(at, gap)
        for place in self.places.values():
            self._draw_node(place)

    @property
    def has_crossings(self) -> bool:
        """True if some lines cross."""
        self.paint()
        return self._has_crossings

    @property
    def has_joins(self) -> bool:
        """True if some lines join."""
        self.paint()
        return self._has_joins

    @property
    def boxes(self) -> Mapping[str, Box]:
        """Area of the nodes, by name."""
        return self._geometry.boxes

    def line(self, row: int, first: int = 0, width: int | None = None, ellipsis: str = "") -> Line:
        """Return a row of the drawing from column `first` on, without blanks at the end.

        ellipsis: replaces the letters of a name at the edge that cuts it.
        """
        self.paint()
        names = self._name_cells.get(row, ()) if ellipsis and width is not None else ()
        begin, end = first, first + (width or 0)
        left = next((ellipsis[: stop - begin] for start, stop in names if start < begin < stop), "")
        right = next((ellipsis[: end - start] for start, stop in names if start < end < stop), "")
        return self._canvas.line(row, first, width, left, right)

    @property
    def text(self) -> str:
        """The whole drawing as text, without roles."""
        return "".join(f"{self.line(row).text}\n" for row in range(self.height))

    # --- texts -------------------------------------------------------------------------------------------------------

    def _with_note(self, node: DrawnNode, rows: Sequence[str], max_rows: int) -> list[str]:
        """Return the rows of a node between its brackets. A row that continues a name is indented.

        A note that would widen the node takes a row of its own, up to `max_rows` rows.
        """
        glyph = node.glyph if not self._glyphs.ascii_only else ""
        texts = [f"{' ' if row else glyph}{text}" for row, text in enumerate(rows)]
        if node.note and len(texts) < max_rows and cell_width(f"{texts[-1]} {node.note}") > max(map(cell_width, texts)):
            texts.append(f" {node.note}")
        elif node.note:
            texts[-1] += f" {node.note}"
        return texts

    def _label(self, edge: DrawnEdge | None) -> str:
        if edge is None:
            return ""
        return f"{self._glyphs.origin if edge.fails else ''}{edge.label}"

    def _label_widths(self, gap: LayerGap) -> tuple[int, int]:
        """Return the cells of the longest labels at the left and at the right of a gap's vertical lines."""
        left = [self._label(self._edges.labelled_left(bundle, one)) for bundle in gap.bundles for one in bundle.sources]
        right = [
            self._label(self._edges.labelled_right(bundle, one)) for bundle in gap.bundles for one in bundle.targets
        ]
        return max(map(cell_width, left), default=0), max(map(cell_width, right), default=0)

    def _style(self, bundle: Bundle, edge: DrawnEdge | None) -> tuple[str, str]:
        """Return the glyph and the role of a horizontal line."""
        role = edge.role if edge is not None else Role.GUIDE
        if edge is not None and edge.fails:
            role = Role.PROPAGATED
        if bundle.style:
            return self._line_glyphs.dotted, role
        is_heavy = edge is not None and edge.weight >= HEAVY
        return self._line_glyphs.heavy if is_heavy else self._line_glyphs.horizontal, role

    def _put_on_line(self, row: int, column: int, text: str, edge: DrawnEdge | None) -> None:
        """Write an arrowhead or a label, which keeps its colour where its line is highlighted, if it has one."""
        role = Role.GUIDE if edge is None else Role.ERROR if edge.fails else edge.role
        self._canvas.put(row, column, text, role, keeps_role=role != Role.GUIDE)

    # --- lines -------------------------------------------------------------------------------------------------------

    def _horizontal(self, row: int, begin: int, end: int, glyph: str, role: str) -> None:
        glyphs, texts = self._line_glyphs, self._canvas.texts[row, begin:end]
        is_crossing = (texts == glyphs.vertical) | (texts == glyphs.dotted_vertical)
        self._has_crossings |= bool(is_crossing.any())
        self._canvas.fill_row(row, begin + np.flatnonzero(~is_crossing), glyph, role)
        crossing = glyphs.heavy_crossing if glyph == glyphs.heavy else glyphs.crossing
        self._canvas.fill_row(row, begin + np.flatnonzero(is_crossing), crossing, role)

    def _draw_gap(self, at: int, gap: LayerGap) -> None:
        for bundle in gap.bundles:
            column = self._geometry.track_column(bundle, at)
            if column is not None:
                rows = bundle.left_rows + bundle.right_rows
                glyph = self._line_glyphs.dotted_vertical if bundle.style else self._line_glyphs.vertical
                self._canvas.fill(slice(min(rows), max(rows) + 1), slice(column, column + 1), glyph, Role.GUIDE)
        for bundle in gap.bundles:
            self._draw_left_stubs(at, bundle)
            self._draw_right_stubs(at, bundle)
        for bundle in gap.bundles:
            column = self._geometry.track_column(bundle, at)
            if column is not None:
                self._draw_joins(column, set(bundle.left_rows), set(bundle.right_rows))

    def _draw_left_stubs(self, at: int, bundle: Bundle) -> None:
        column = self._geometry.track_column(bundle, at)
        end = self._geometry.columns[at + 1] if column is None else column
        for source in bundle.sources:
            row, begin = source.right_row(bundle), self._geometry.column_after(source)
            edge = self._edges.left(bundle, source)
            self._horizontal(row, begin, end, *self._style(bundle, edge))
            if bundle.is_reversed and not source.is_passage:
                self._put_on_line(row, begin, self._line_glyphs.backward, edge)
            label = self._label(self._edges.labelled_left(bundle, source))
            if label and source.is_passage:
                begin = self._geometry.passage_columns(source)[1] - cell_width(label) - 1
            if label:
                self._put_on_line(row, begin + 1, label, edge)

    def _draw_right_stubs(self, at: int, bundle: Bundle) -> None:
        column, next_column = self._geometry.track_column(bundle, at), self._geometry.columns[at + 1]
        for target in bundle.targets:
            row = target.left_row(bundle)
            edge = self._edges.right(bundle, target)
            if column is not None:
                self._horizontal(row, column + 1, next_column, *self._style(bundle, edge))
            is_arrow = not bundle.is_reversed and not target.is_passage
            if is_arrow:
                self._put_on_line(row, next_column - 1, self._line_glyphs.forward, edge)
            label = self._label(self._edges.labelled_right(bundle, target))
            if label:
                self._put_on_line(row, next_column - 1 - cell_width(label) - is_arrow, label, edge)

    def _draw_joins(self, column: int, left: set[int], right: set[int]) -> None:
        """Draw the corners and junctions of a vertical line, at which horizontal ones end on either side."""
        low, high = min(left | right), max(left | right)
        for row in left | right:
            arms = (row > low) * _UP | (row < high) * _DOWN | (row in left) * _LEFT | (row in right) * _RIGHT
            self._has_joins |= arms.bit_count() > 2
            self._canvas.put(row, column, self._line_glyphs.joins[arms], Role.GUIDE)

    def _draw_passage(self, place: Place) -> None:
        """Draw the lines through a layer; one that divides does so at its left."""
        begin, end = self._geometry.passage_columns(place)
        join = self._geometry.join_column(place)
        left = {place.left_row(bundle) for bundle in place.left}
        right = {place.right_row(bundle) for bundle in place.right}
        for bundle in place.left:
            self._horizontal(place.left_row(bundle), begin, join, *self._style(bundle, None))
        for bundle in place.right:
            edge = self._edges.between(bundle, place, bundle.targets[0]) if len(bundle.targets) == 1 else None
            self._horizontal(place.right_row(bundle), join, end, *self._style(bundle, edge))
        if len(left | right) > 1:
            rows = slice(min(left | right), max(left | right) + 1)
            self._canvas.fill(rows, slice(join, join + 1), self._line_glyphs.vertical, Role.GUIDE)
            self._draw_joins(join, left, right)

    # --- nodes -------------------------------------------------------------------------------------------------------

    def _draw_node(self, place: Place) -> None:
        node, box, canvas = self._nodes[place.name], self.boxes[place.name], self._canvas
        rows, columns = box.cells
        canvas.fill(rows, columns, " ", node.role)
        canvas.replace_glyphs(rows, box.column, self._line_glyphs.opening)
        canvas.replace_glyphs(rows, box.column + box.width - 1, self._line_glyphs.closing)
        for row, text in enumerate(self._texts[place.name]):
            canvas.put(box.row + row, box.column + 1, text, node.role)
            cells = box.column + 1, box.column + 1 + cell_width(text)
            self._name_cells.setdefault(box.row + row, []).append(cells)
        if node.glyph and not self._glyphs.ascii_only:
            canvas.put(box.row, box.column + 1, node.glyph, node.glyph_role)

    def highlight(self, name: str, *, node_role: str, line_role: str) -> set[int]:
        """Highlight a node and all lines to and from it, instead of the node highlighted before. -> the rows changed

        name: '' for none. Without colour the node has other brackets. Labels with a colour keep it.
        """
        self.paint()
        before = self._canvas.highlighted_rows
        if self._chosen:
            self._put_brackets(self.boxes[self._chosen], self._line_glyphs.opening + self._line_glyphs.closing)
        self._chosen = name
        self._canvas.highlight([*self._geometry.lines_of(self.places[name])] if name else [], line_role)
        if name:
            self._canvas.highlight_all(self.boxes[name].cells, node_role)
            self._put_brackets(self.boxes[name], self._line_glyphs.chosen)
        return before | self._canvas.highlighted_rows

    def _put_brackets(self, box: Box, brackets: str) -> None:
        rows, _ = box.cells
        self._canvas.replace_glyphs(rows, box.column, brackets[0])
        self._canvas.replace_glyphs(rows, box.column + box.width - 1, brackets[1])

    def neighbours(self, name: str) -> tuple[list[str], list[str]]:
        """List the nodes that are connected to a node on its left and on its right, from top to bottom."""
        pairs, boxes = self._edges.of_pair, self.boxes
        around = {target if source == name else source for source, target in pairs if name in (source, target)}
        ordered = sorted(around, key=lambda other: boxes[other].row)
        here = boxes[name].column
        return [other for other in ordered if boxes[other].column < here], [
            other for other in ordered if boxes[other].column > here
        ]

    def step(self, name: str, columns: int, rows: int) -> str:
        """Return the nearest node to the left or right along a line, or above or below; the same one if there is none.

        Beyond the ends of a layer it is the nearest one above or below in any layer.
        """
        here = self.boxes[name]

        def nearest(others: Iterable[str]) -> str:
            # a cell is twice as high as wide
            def distance(other: str) -> int:
                box = self.boxes[other]
                return abs(box.column - here.column) + 2 * abs(box.row - here.row)

            return min(others, key=distance, default=name)

        if columns:
            left, right = self.neighbours(name)
            return nearest(right if columns > 0 else left)
        layer = [place.name for place in self.layout.layers[self.places[name].layer] if not place.is_passage]
        at = layer.index(name) + rows
        if 0 <= at < len(layer) or abs(rows) > 1:
            return layer[min(max(at, 0), len(layer) - 1)]
        return nearest(other for other, box in self.boxes.items() if (box.row - here.row) * rows > 0)

    def node_at(self, row: int, column: int) -> str | None:
        """Return the node at a cell; None for none."""
        for name, box in self.boxes.items():
            if box.row <= row < box.row + box.height and box.column <= column < box.column + box.width:
                return name
        return None
