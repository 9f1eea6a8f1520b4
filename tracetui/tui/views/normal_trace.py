"""Comparison of a trace with a normal one of its entry point, as a list over a view."""

from __future__ import annotations

from functools import partial

import numpy as np

from tracetui.analysis.normal_trace import NormalComparison, compare_with_normal
from tracetui.model.traces import TraceSet
from tracetui.render.text.line import Line
from tracetui.render.waterfall.normal_diff import NormalDiff
from tracetui.tui.messages import OpenTrace
from tracetui.tui.views.base import View
from tracetui.tui.widgets.result_screen import ResultScreen

_KEYS = (
    ("{list.open}", "open the span, in the normal trace if it is missing in this one"),
    (
        "this, normal",
        "time on the critical path in this trace, and in a normal one of its entry point: the median, or next to it",
    ),
    ("added", "this minus normal; all rows add up to the difference of the traces"),
    ("share", "share of that difference"),
    ("network", "added while the call was on the network, beyond the time of the callee; all of it if without a time"),
    ("░ █ ·", "time in both traces; added; missing"),
)


class NormalTraceComparison:
    """Comparison of a trace with a normal one, shown over a view."""

    def __init__(self, view: View, traces: TraceSet, found: NormalComparison) -> None:
        self._view, self._traces, self._found = view, traces, found
        self._screen: ResultScreen | None = None

    def show(self, at: int = 0) -> None:
        """Show it, with the cursor on a row."""
        rows, step = self._rows(), self._step if len(self._found.normals.nearest) > 1 else None
        look = self._view.state.look
        self._screen = ResultScreen(look, self._title(rows), rows, "open the span", _KEYS, at, step)
        self._view.show_dialog(self._screen, self._open_span)

    def _rows(self) -> NormalDiff:
        return NormalDiff(self._found, self._traces, self._view.state.look.glyphs)

    def _title(self, rows: NormalDiff) -> list[Line]:
        width = max(self._view.size.width - 4, 20)
        return [*rows.titles(self._view.state.look.local_time), *rows.remarks(width)]

    def _open_span(self, row: int) -> None:
        found = self._found
        normal, here = found.listed[row].spans
        trace, span = (found.trace, here) if here >= 0 else (found.normal, normal)
        self._view.post_message(OpenTrace(trace, span, partial(self.show, row)))

    def _step(self, step: int) -> None:
        """Compare with the next (1) or previous (-1) of the normal traces by distance from the median."""
        traces, found = self._traces, self._found
        nearest = found.normals.nearest
        at = int(np.flatnonzero(nearest == found.normal)[0])
        normal = int(nearest[(at + step) % len(nearest)])
        self._view.work("waterfall-normal", lambda: compare_with_normal(traces, found.trace, normal), self._replace)

    def _replace(self, found: NormalComparison | None) -> None:
        if found is not None and self._screen is not None and not self._screen.is_closed:
            self._found = found
            rows = self._rows()
            self._screen.replace(self._title(rows), rows)


def show_normal(view: View, traces: TraceSet, trace: int) -> None:
    """Compare a trace with the median trace of its entry point, and show the result over a view."""

    def show(found: NormalComparison | None) -> None:
        if found is None:
            view.post_notice("no other trace has this entry point; nothing to compare with")
        else:
            NormalTraceComparison(view, traces, found).show()

    view.work("waterfall-normal", lambda: compare_with_normal(traces, trace), show)
