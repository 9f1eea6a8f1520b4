"""Column of latencies in the lists of callers and callees."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.analysis.service_questions import Neighbour
from tracetui.render.services.table import p95_heading, p95_or_range
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.tables import figure

WIDE = 48
"""Width from which on a list has all figures of calls."""
_VERY_WIDE = 64
"""Width from which on it has the share of network time, too."""
_P95 = 8


class LatencyColumn:
    """Column with the p95 of the calls; for few calls their range, or only the longest if that does not fit."""

    def __init__(self, found: Sequence[Neighbour], glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._has_ranges = any(one.latency.small_sample_range is not None for one in found)
        texts = [p95_heading(one.latency for one in found)]
        texts += [p95_or_range(one.latency, one.calls, glyphs) for one in found]
        self._longest = max(map(cell_width, texts))
        self._has_network = any(one.network is not None for one in found)

    def shows_network(self, width: int) -> bool:
        """Test whether a list of this width has room for the network's share of the calls."""
        return self._has_network and width >= _VERY_WIDE

    def cells(self, width: int) -> int:
        """Return the width of the column in a list of this width."""
        if self._has_ranges and width >= WIDE + self._longest - _P95:
            return max(self._longest, _P95)
        return _P95 + (len(self._glyphs.at_most) - 1 if self._has_ranges else 0)

    def heading(self, width: int) -> Line:
        cells = self.cells(width)
        texts = ("p95 or range", f"p95 {self._glyphs.at_most}max") if self._has_ranges else ("p95",)
        return figure(next((text for text in texts if len(text) <= cells), texts[-1]), cells, Role.DIM)

    def cell(self, one: Neighbour, width: int) -> Line:
        cells = self.cells(width)
        text, few = p95_or_range(one.latency, one.calls, self._glyphs), one.latency.small_sample_range
        if few is not None and cell_width(text) > cells:
            text = f"{self._glyphs.at_most}{numbers.duration(few[1], self._glyphs.ascii_only)}"
        return figure(text, cells)
