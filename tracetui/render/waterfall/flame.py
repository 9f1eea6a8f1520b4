"""Rows of a trace merged by call path, with the total time of each path."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.merged_calls import merge_calls
from tracetui.render.text import numbers
from tracetui.render.text.cells import fit
from tracetui.render.text.line import Role
from tracetui.render.waterfall.label import LabelNote
from tracetui.render.waterfall.row_notes import running_sums
from tracetui.render.waterfall.waterfall import Waterfall

_SQUEEZED = (
    "width: share of the caller; parallel calls squeezed",
    "share of caller; parallel squeezed",
    "parallel calls squeezed",
)


class Flame(Waterfall):
    """Rows of a trace merged by call path. Bars show durations, not times; their critical part is solid."""

    def __init__(self, base: Waterfall) -> None:
        """`base`: the trace or subtree."""
        traces, first, stop = base.traces, base.first, base.stop
        self.merged = merged = merge_calls(traces, first, stop)
        count = len(merged.example)
        roles = np.zeros(count, np.uint8)
        for role in (ErrorRole.CANCELLED, ErrorRole.PROPAGATED, ErrorRole.ORIGIN):
            roles[merged.node_of[base.roles == role]] = role
        critical = np.zeros(count, np.int64)
        np.add.at(critical, merged.node_of, base.critical)
        shown = merged.traces
        scale = shown.duration / np.maximum(merged.total, 1)
        nodes = np.flatnonzero(critical)
        sections = (nodes, shown.start[nodes], shown.start[nodes] + (critical * scale)[nodes].astype(np.int64))
        super().__init__(
            shown,
            0,
            sections=sections if base.has_path else None,
            roles=roles,
            glyphs=base.glyphs,
            least_repeats=0,
            outside=np.zeros(count, np.uint8),
            message_of=lambda node: base.message_of(int(merged.example[node])),
        )
        self._first = first
        self.whole_ns = base.whole_ns
        self.share_title = base.share_title
        # the sections drawn may be squeezed
        self.path_ns = base.path_ns
        rounding_ns = 1
        self._is_squeezed = bool((merged.total - shown.duration > rounding_ns).any())
        self.critical = critical
        self._critical_before = running_sums(critical)
        self.displayed = self.durations = merged.total
        self.displayed_title = "total"
        self._duration_cells = numbers.duration_width(int(merged.total.max()))

    def axis(self, cells: int) -> str:
        """Draw the axis of the bars; concurrent calls, which are drawn narrower, have none."""
        if not self._is_squeezed:
            return super().axis(cells)
        text = next((text for text in _SQUEEZED if len(text) <= cells), _SQUEEZED[-1])
        return fit(text, cells, ellipsis=self.glyphs.ellipsis)

    def position_of(self, span: int) -> int:
        return int(self.merged.node_of[span - self._first])

    def span_of(self, position: int) -> int:
        return int(self.merged.example[position])

    def repeats_note(self, row: int, repeats: range | None) -> Iterator[LabelNote]:  # noqa: ARG002 - merged rows have no runs
        node = int(self.rows.positions[row])
        calls = int(self.merged.calls[node])
        if calls > 1:
            times = self.glyphs.repeated(calls)
            longest = self.duration(int(self.merged.longest[node]))
            yield LabelNote(f"{times} {self.glyphs.at_most}{longest}", times, Role.STRONG)
