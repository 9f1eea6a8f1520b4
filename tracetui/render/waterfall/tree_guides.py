"""Lines of the tree left of the rows of a waterfall."""

from __future__ import annotations

import numpy as np

from tracetui.render.text.glyphs import Glyphs
from tracetui.render.waterfall.row_order import RowOrder

_MAX_CACHED = 4_096


class TreeGuides:
    """Draws the lines of a tree. Neighbouring rows share most of them, so they are cached."""

    def __init__(self, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._positions: np.ndarray | None = None
        """Rows for which the cache is valid."""
        self._below: dict[tuple[int, int], str] = {}
        """Lines of the children of a span, by (span, levels)."""

    def of(self, rows: RowOrder, span: int, levels: int) -> str:
        """Draw the lines left of a span, one cell for each of `levels` levels."""
        if not levels:
            return ""
        glyphs = self._glyphs
        if self._positions is not rows.positions or len(self._below) > _MAX_CACHED:
            # the cache is dropped when rows change; a pass over all rows needs only recent guides
            self._positions = rows.positions
            self._below.clear()
        parent = rows.parent_of(span)
        above = self._below.get((parent, levels))
        if above is None:
            above = self._below[parent, levels] = self._lines(rows, parent, levels - 1)
        return above + (glyphs.branch if rows.has_next(span) else glyphs.last_branch)

    def _lines(self, rows: RowOrder, span: int, levels: int) -> str:
        """Draw the guides of a span and its ancestors next to the rows below it."""
        guide, cells = self._glyphs.guide, []
        for _ in range(levels):
            cells.append(guide if rows.has_next(span) else " ")
            span = rows.parent_of(span)
        cells.reverse()
        return "".join(cells)
