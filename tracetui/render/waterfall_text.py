"""A waterfall as text from top to bottom: what it is, what broke, where the time went, the rows, what is missing."""

from __future__ import annotations

from collections.abc import Iterator

from tracetui.render import numbers
from tracetui.render.line import Line, Role, flowed
from tracetui.render.waterfall import ECHO, ORIGIN, Waterfall
from tracetui.render.waterfall_header import header

MAX_ROWS = 500


def waterfall_text(
    view: Waterfall,
    width: int,
    *,
    max_rows: int | None = MAX_ROWS,
    local_time: bool = False,
    hint: str = "--all shows every span",
) -> Iterator[Line]:
    """The lines of a whole waterfall, none wider than `width` cells.

    `max_rows`: above it errors and the critical path stay first; None for no limit. `hint`: how to see the rest.
    """
    if max_rows is not None:
        view.limit(max(max_rows, 1))
    yield from header(view, width, local_time)
    yield Line()
    yield view.scale(width)
    yield from view.lines(width)
    left_out = view.rows.left_out()
    if left_out:
        whole = numbers.counted(view.stop - view.first, "span")
        text = f"{view.marks.ellipsis} {left_out:,} of {whole} left out: {hint}"
        yield Line([(text, Role.WARNING)]).cropped(width, view.marks.ellipsis)
    yield Line()
    yield from legend(view, width)


def legend(view: Waterfall, width: int) -> list[Line]:
    """What the bars and the errors' marks mean, as far as they occur."""
    marks = view.marks
    words = []
    if view.has_path:
        words += [(marks.solid, "the request waited"), (marks.rest, "it ran, nobody waited")]
    if (view.roles == ORIGIN).any():
        words.append((marks.origin, "error began here"))
    if (view.roles == ECHO).any():
        words.append((marks.echo, "error passed on"))
    return flowed((Line([(f"{mark} {text}", Role.DIM)]) for mark, text in words), width, ellipsis=view.marks.ellipsis)
