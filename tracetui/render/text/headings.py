"""Columns of a heading line, found in its text."""

from __future__ import annotations

import re
from typing import NamedTuple

from tracetui.render.text.cells import cell_width

_NAMES = re.compile(r"\S+(?: \S+)*")
"""Texts with at least two blanks between them, which is the gap of columns."""
_BAR = re.compile(r"(?:^| )(?:[\u2580-\u259f]|##).*")
_ARROW = re.compile("^[▲▼^v] | [▲▼^v]$")


class ColumnHeading(NamedTuple):
    """Heading of a column, without the arrow of a sorted one; `begin` and `end` are cells."""

    name: str
    begin: int
    end: int


def columns_of(heading: str) -> list[ColumnHeading]:
    """Find the columns in the text of a heading line."""
    found = []
    for match in _NAMES.finditer(heading):
        begin = cell_width(heading[: match.start()])
        found.append(ColumnHeading(_ARROW.sub("", match[0]), begin, begin + cell_width(match[0])))
    return found


def column_at(heading: str, cell: int) -> str:
    """Return the name of the column at a cell of a heading line, the nearest one between two; '' beyond the last."""
    columns = columns_of(heading)
    if not columns or not 0 <= cell < columns[-1].end + 1:
        return ""
    nearest = min(columns, key=lambda column: max(column.begin - cell, cell - column.end + 1, 0))
    return nearest.name


def values_of(heading: str, row: str) -> dict[str, str]:
    """Return the value below each heading: the text of the row that overlaps it most, without a bar, '' for none."""
    texts = columns_of(row)
    found = {}
    for column in columns_of(heading):
        below = [(min(column.end, text.end) - max(column.begin, text.begin), text.name) for text in texts]
        cells, name = max(below, default=(0, ""))
        found[column.name] = _BAR.sub("", name) if cells > 0 else ""
    return found
