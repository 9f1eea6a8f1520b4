"""Minimap and time axis, aligned with the rows of a waterfall below them."""

from __future__ import annotations

from tracetui.render.text.cells import fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.waterfall.minimap import minimap
from tracetui.tui.views.waterfall.prepare import INDENT
from tracetui.tui.views.waterfall.view_state import FLAME, ViewState


def axis_line(view_state: ViewState, caption: str, rows_width: int) -> Line:
    """Draw the time axis above rows of this width."""
    return Line([(" " * INDENT, Role.PLAIN)]).extend(view_state.view.scale(rows_width, caption))


def map_line(
    view_state: ViewState, glyphs: Glyphs, selected: tuple[int, int] | None, rows_width: int, width: int
) -> Line:
    """Draw the minimap above rows of this width, with the time range of one row; full width if rows have no bars."""
    layout, overview = view_state.view.layout(rows_width), view_state.opened.overview
    window = None if view_state.mode == FLAME else view_state.base.window
    if not layout.bar:
        return Line([(" ", Role.PLAIN)]).extend(minimap(overview, width - 2, glyphs, window, selected))
    what = f"up to {overview.max_concurrency:,} at once"
    line = Line([(fit(what, INDENT + layout.label - 1, "right", glyphs.ellipsis) + " ", Role.DIM)])
    return line.extend(minimap(overview, layout.bar + 2, glyphs, window, selected))
