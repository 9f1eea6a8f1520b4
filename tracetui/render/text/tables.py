"""Tables of text with aligned columns, and their cells: service names, figures, bars, error rates, duration ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.cells import Align, cell_width, cut, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.short_names import NamesOfSet

_GAP = "  "
_MIN_CELLS = 16
"""Cells that a growing column keeps."""
_INFERRED = " (inferred)"


def service_roles(traces: TraceSet) -> dict[str, str]:
    """Return the role of each service of a set, which determines its colour."""
    return {name: Role.service(slot) for name, slot in zip(traces.services, traces.service_slots, strict=True)}


def side_by_side(cells: Iterable[Line]) -> Line:
    """Join the cells of a row with gaps."""
    line = Line()
    for i, cell in enumerate(cells):
        line.add(_GAP if i else "").extend(cell)
    return line


def figure(text: str, width: int, role: str = Role.PLAIN) -> Line:
    """Return a number, right-aligned in its column."""
    return Line([(fit(text, width, "right"), role)])


def name_cells(service: str, inferred: bool = False, operation: str = "") -> int:
    """Return the width at which `service_name` cuts nothing."""
    room = 1 + cell_width(safe(service)) + len(_INFERRED) * inferred
    return room + 1 + cell_width(safe(operation)) if operation else room


def service_name(
    name: str,
    role: str,
    width: int,
    glyphs: Glyphs,
    inferred: bool = False,
    *,
    operation: str = "",
    pad: bool = True,
    names: NamesOfSet | None = None,
) -> Line:
    """Return a service with its glyph and optionally an operation, cut and padded to `width` cells.

    `names`: names that the cut one must not be confused with.
    """
    line = Line([(glyphs.service, role)])
    # the name is more important than the word
    tail = (_INFERRED if width >= name_cells(name, inferred, operation) else " ?") if inferred else ""
    room = max(width - line.width - len(tail), 0)
    shown, rest = safe(name), safe(operation)
    # if both do not fit, a service of up to half the room keeps its name, and a longer one a part
    whole = cell_width(shown)
    share = max(room - cell_width(rest) - 1, whole if 2 * whole <= room else room // 3) if rest else room
    shown = names.cut(name, share, glyphs.ellipsis) if names else cut(shown, share, glyphs.ellipsis)
    if rest:
        rest = cut(" " + rest, room - cell_width(shown), glyphs.ellipsis)
    # without a glyph the name has the colour
    line.add(shown, Role.PLAIN if glyphs.service else role)
    line.add(rest, Role.STRONG).add(tail, Role.DIM)
    line = line.cropped(width, glyphs.ellipsis)
    return line.pad(width) if pad else line


def sorted_heading(heading: str, is_sorted: bool, descending: bool, glyphs: Glyphs) -> str:
    """Return a column's heading, with an arrow if rows are sorted by it."""
    if not is_sorted:
        return heading
    return f"{glyphs.descending if descending else glyphs.ascending} {heading}"


def call_count(number: int) -> str:
    return numbers.count(number) if number < 1_000_000 else numbers.short_count(number)


def error_rate(percent: float, width: int) -> Line:
    """Return an error rate, in red if above 0."""
    return figure(numbers.percent(percent) if percent else "-", width, Role.ERROR if percent else Role.DIM)


def share_bar(percent: float, width: int, glyphs: Glyphs) -> str:
    """Draw a percentage as a bar in exactly `width` cells, to an eighth; only 0 is drawn as 0."""
    if glyphs.ascii_only:
        cells = min(max(round(percent / 100 * width), percent > 0), width)
        return fit(glyphs.solid * cells, width)
    eighths = min(max(round(percent / 100 * width * 8), int(percent > 0)), width * 8)
    full, part = divmod(eighths, 8)
    return fit(glyphs.solid * full + (glyphs.solid_left[part - 1] if part else ""), width)


def duration_range(least: int, most: int, glyphs: Glyphs) -> str:
    """Format a range as `1.2 ms–3.4 ms`, or as one duration if both ends look the same."""
    low, high = (numbers.duration(ns, glyphs.ascii_only) for ns in (least, most))
    return low if low == high else f"{low}{glyphs.dash}{high}"


class Column(NamedTuple):
    """Heading and alignment of a column. One that `grows` is cut if the table is too wide."""

    heading: str
    align: Align = "left"
    grows: bool = False


class Cell(NamedTuple):
    """A table cell: its natural width, and a function that draws it at a given width."""

    width: int
    draw: Callable[[int], Line]


def text_cell(text: str, align: Align = "left", role: str = Role.PLAIN, ellipsis: str = "…") -> Cell:
    """Return a cell of a text, which must be safe to show."""
    return Cell(cell_width(text), lambda width: Line([(fit(text, width, align, ellipsis), role)]))


def figure_cell(text: str, role: str = Role.PLAIN) -> Cell:
    """Return a right-aligned cell of a formatted number."""
    return text_cell(text, "right", role)


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]], width: int, ellipsis: str = "…"
) -> Iterator[Line]:
    """Yield the heading and the rows, indented. Texts among the cells must be safe to show.

    If they are too wide, growing columns are cut first, then columns are dropped from the right. Numbers are never
    cut, as that would change them.
    """
    drawn = [
        [
            text_cell(cell, column.align, ellipsis=ellipsis) if isinstance(cell, str) else cell
            for column, cell in zip(columns, row, strict=True)
        ]
        for row in rows
    ]
    headings = [text_cell(column.heading, column.align, Role.DIM, ellipsis) for column in columns]
    widths = [max(cell.width for cell in column) for column in zip(headings, *drawn, strict=True)]
    least = [min(cells, _MIN_CELLS) if c.grows else cells for cells, c in zip(widths, columns, strict=True)]
    shown, room = len(columns), width - len(_GAP)
    while shown > 1 and sum(least[:shown]) + len(_GAP) * (shown - 1) > room:
        shown -= 1
    over = sum(widths[:shown]) + len(_GAP) * (shown - 1) - room
    for at, column in enumerate(columns[:shown]):
        if column.grows and over > 0:
            taken = min(over, widths[at] - least[at])
            widths[at] -= taken
            over -= taken
    for row in (headings, *drawn):
        cells = [cell.draw(cells) for cell, cells in zip(row[:shown], widths, strict=False)]
        yield Line([(_GAP, Role.PLAIN)]).extend(side_by_side(cells)).cropped(width, ellipsis)
