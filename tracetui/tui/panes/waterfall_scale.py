"""What stands right above the rows of a waterfall, in the same columns: the map of the trace and the time axis."""

from __future__ import annotations

from tracetui.render.cells import fit
from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks
from tracetui.render.minimap import minimap
from tracetui.tui.panes.waterfall_open import INDENT
from tracetui.tui.panes.waterfall_sight import FLAME, Sight


def axis_line(sight: Sight, caption: str, rows_width: int) -> Line:
    """The time axis over rows of so many cells."""
    return Line([(" " * INDENT, Role.PLAIN)]).extend(sight.view.scale(rows_width, caption))


def map_line(sight: Sight, marks: Marks, selected: tuple[int, int] | None, rows_width: int, width: int) -> Line:
    """The map over rows of so many cells, with the time of one of them; of the whole width where rows have no bars."""
    layout, overview = sight.view.layout(rows_width), sight.opened.overview
    window = None if sight.mode == FLAME else sight.base.window
    if not layout.bar:
        return Line([(" ", Role.PLAIN)]).extend(minimap(overview, width - 2, marks, window, selected))
    what = f"up to {overview.most_at_once:,} at once"
    line = Line([(fit(what, INDENT + layout.label - 1, "right", marks.ellipsis) + " ", Role.DIM)])
    return line.extend(minimap(overview, layout.bar + 2, marks, window, selected))
