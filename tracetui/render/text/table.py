"""Small text tables with aligned columns, some of which shrink to fit the width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tracetui.render.text.cells import Align, cell_width, fit
from tracetui.render.text.line import Line, Role

_GAP = 2
_LEAST = 8


class Column(NamedTuple):
    """Heading and alignment of a column. One that `grows` is cut if the table is too wide."""

    heading: str
    align: Align = "left"
    grows: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int, ellipsis: str = "…") -> Iterator[Line]:
    """Yield the heading and the rows, each at most `width` cells. The cells must be safe to show."""
    widths = [
        max([cell_width(column.heading), *(cell_width(row[i]) for row in rows)]) for i, column in enumerate(columns)
    ]
    over = sum(widths) + _GAP * (len(columns) - 1) - width
    for i, column in enumerate(columns):
        if column.grows and over > 0:
            cut = min(over, max(widths[i] - _LEAST, 0))
            widths[i] -= cut
            over -= cut
    for number, row in enumerate([[column.heading for column in columns], *rows]):
        line = Line()
        for i, (column, text) in enumerate(zip(columns, row, strict=True)):
            cell = fit(text, widths[i], column.align, ellipsis)
            line.add((" " * _GAP if i else "") + cell, Role.DIM if not number else Role.PLAIN)
        yield line.cropped(width, ellipsis)
