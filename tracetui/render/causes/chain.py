"""Drawing of the way from an entry point to a cause: services joined by arrows, with the operation at each end."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.analysis.root_causes.results import Cause
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

_MIN_GAP = 2


def chain_lines(cause: Cause, width: int, glyphs: Glyphs) -> list[Line]:
    """Draw the way to a cause in two lines of at most `width` cells: services, and operations below their services."""
    arrow = f" {glyphs.rest * 2}{glyphs.sync_call} "
    *before, last = [safe(name) for name in cause.propagation_path]
    mark = f"{glyphs.origin} "
    names = _fitting(before, width - cell_width(mark + last), arrow, glyphs.ellipsis)
    services = Line([(arrow.join([*names, ""]) if names else "", Role.PLAIN)])
    at = services.width + cell_width(mark)
    services.add(mark, Role.ERROR).add(last, Role.STRONG)
    operations = Line()
    if names and cause.entry_points:
        entry = safe(cause.entry_points[0].operation)
        operations.add(entry, Role.DIM)
        operations = operations.cropped(max(at - _MIN_GAP, 0), glyphs.ellipsis)
    # the operation with a slow call is the caller's
    if cause.evidence[0].service == cause.service:
        operations.pad(at).add(safe(cause.operation), Role.DIM)
    return [line.cropped(width, glyphs.ellipsis) for line in (services, operations)]


def _fitting(names: Sequence[str], width: int, arrow: str, ellipsis: str) -> list[str]:
    """Leave out names in the middle until the rest fits with an arrow after each: users know the first one."""
    for left_out in range(len(names)):
        shown = [*names[:1], ellipsis, *names[1 + left_out :]] if left_out else [*names]
        if sum(map(cell_width, shown)) + len(shown) * cell_width(arrow) <= width:
            return shown
    return [ellipsis] if names else []
