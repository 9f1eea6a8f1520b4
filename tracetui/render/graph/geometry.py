"""Columns of a drawing's nodes and lines, and the cells of each line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tracetui.render.graph.bundles import Bundle, Place
from tracetui.render.graph.canvas import Area
from tracetui.render.graph.layout import Layout

_TRACK = 2
"""Area from one vertical line to the next, so that corners of different bundles do not touch."""

_AROUND_LABEL = 2
"""Cells of line at both sides of a label."""


@dataclass(frozen=True, slots=True)
class Box:
    """Area of a node: first column and row, and size."""

    column: int
    row: int
    width: int
    height: int

    @property
    def cells(self) -> Area:
        return slice(self.row, self.row + self.height), slice(self.column, self.column + self.width)


class Geometry:
    """Columns of a layout.

    widths: cells of each node, with its brackets; label_widths: of each gap, the cells of the longest label at the
    left and at the right of the vertical lines.
    """

    def __init__(self, layout: Layout, widths: Mapping[str, int], label_widths: list[tuple[int, int]]) -> None:
        self.boxes: dict[str, Box] = {}
        self.columns: list[int] = []
        """First column of each layer."""
        self._track_columns: list[int] = []
        """Column of the first track of each gap."""
        self._joins: dict[Place, int] = {}
        """Column of the vertical line of each passage of several rows."""
        column = 0
        for at, layer in enumerate(layout.layers):
            self.columns.append(column)
            self._set_joins(layer, column)
            for place in layer:
                if not place.is_passage:
                    self.boxes[place.name] = Box(column, place.row, widths[place.name], place.height)
            column += max((widths[place.name] for place in layer if not place.is_passage), default=1)
            if at < len(layout.gaps):
                left, right = (width + _AROUND_LABEL if width else 1 for width in label_widths[at])
                self._track_columns.append(column + left)
                column += left + _TRACK * layout.gaps[at].track_count + right + 1
        self.width = max(column, 1)

    def _set_joins(self, layer: Sequence[Place], column: int) -> None:
        """Choose the columns of the vertical lines in passages, so that those of neighbours do not touch."""
        above = column
        for place in layer:
            if place.is_passage and place.height > 1:
                above = self._joins[place] = column + _TRACK if above == column else column
            else:
                above = column + _TRACK

    def track_column(self, bundle: Bundle, layer: int) -> int | None:
        """Return the column of a bundle's vertical line, in the gap after a layer; None if it has none."""
        return self._track_columns[layer] + _TRACK * bundle.track if bundle.track >= 0 else None

    def column_after(self, place: Place) -> int:
        """Return the first column to the right of a node, or of the vertical line in a passage."""
        if place.is_passage:
            return self.join_column(place) + 1
        box = self.boxes[place.name]
        return box.column + box.width

    def join_column(self, place: Place) -> int:
        """Return the column of the vertical line in a passage; its first one if it has a single row."""
        return self._joins.get(place, self.columns[place.layer])

    def passage_columns(self, place: Place) -> tuple[int, int]:
        """Return the first column of a passage, and that after its last."""
        begin = self.columns[place.layer]
        tracks = self._track_columns
        return begin, tracks[place.layer] - 2 if place.layer < len(tracks) else begin + 1

    # --- cells of lines ----------------------------------------------------------------------------------------------

    def lines_of(self, place: Place) -> Iterator[Area]:
        """Yield the cells of all lines of a node, through passages."""
        yield from self._onwards(place)
        yield from self._back(place)

    def _onwards(self, place: Place) -> Iterator[Area]:
        waiting = [place]
        while waiting:
            one = waiting.pop()
            for bundle in one.right:
                for target in bundle.targets:
                    yield from self._line(one, bundle, target)
                    if target.is_passage:
                        yield self._passage(target)
                        waiting.append(target)

    def _back(self, place: Place) -> Iterator[Area]:
        waiting = [place]
        while waiting:
            one = waiting.pop()
            for bundle in one.left:
                for source in bundle.sources:
                    yield from self._line(source, bundle, one)
                    if source.is_passage:
                        yield self._passage(source)
                        waiting.append(source)

    def _line(self, source: Place, bundle: Bundle, target: Place) -> Iterator[Area]:
        """Yield the cells of the line from one place to another."""
        row, other = source.right_row(bundle), target.left_row(bundle)
        begin, end = self.column_after(source), self.columns[source.layer + 1]
        column = self.track_column(bundle, source.layer)
        if column is None:
            yield slice(row, row + 1), slice(begin, end)
            return
        yield slice(row, row + 1), slice(begin, column)
        yield slice(min(row, other), max(row, other) + 1), slice(column, column + 1)
        yield slice(other, other + 1), slice(column + 1, end)

    def _passage(self, place: Place) -> Area:
        return slice(place.row, place.row + place.height), slice(*self.passage_columns(place))
