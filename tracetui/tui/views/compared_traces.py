"""Comparisons of two traces as lists over a view: of a trace with a normal one, and of two marked ones."""

from __future__ import annotations

from functools import partial

import numpy as np

from tracetui.analysis.trace_difference import compare_within
from tracetui.model.traces import TraceSet
from tracetui.render.text.line import Line
from tracetui.render.waterfall.marked_diff import MarkedDiff
from tracetui.render.waterfall.normal_diff import NormalDiff
from tracetui.tui.messages import OpenTrace
from tracetui.tui.views.base import View
from tracetui.tui.widgets.result_screen import ResultScreen

_SHARED_KEYS = (
    ("share", "share of the whole difference"),
    (
        "network, queue",
        "time of a call before the callee begins and after it ends; of a message until it is received",
    ),
)
_NORMAL_KEYS = (
    ("{list.open}", "open the span, in the normal trace if it is missing in this one"),
    (
        "this, normal",
        "time on the critical path in this trace, and in a normal one of its entry point: the median, or next to it",
    ),
    ("difference", "this minus normal; all rows add up to the difference of the traces"),
    *_SHARED_KEYS,
    ("░ █ ·", "time of the normal trace; more here; less here"),
)
_MARKED_KEYS = (
    ("{list.open}", "open the span (if in both, in the later trace); {answer.leave} returns here"),
    ("before, after", "time on the critical path in the earlier and in the later trace"),
    ("difference", "after minus before; all rows add up to the difference of the traces"),
    ("added, removed", "call paths of the later trace only; of the earlier only"),
    *_SHARED_KEYS,
    ("░ █ ·", "time in both traces; more in the later one; less"),
)


class NormalTraceComparison:
    """Comparison of a trace with a normal one, shown over a view."""

    def __init__(self, view: View, diff: NormalDiff) -> None:
        self._view, self._diff = view, diff
        self._screen: ResultScreen | None = None

    def show(self, at: int | None = None) -> None:
        """Show it, with the cursor on a row, by default that of the largest difference."""
        diff, look = self._diff, self._view.state.look
        step = self._step if len(diff.found.normals.nearest) > 1 else None
        row = diff.rows.top if at is None else at
        self._screen = ResultScreen(look, _title(self._view, diff), diff.rows, "open the span", _NORMAL_KEYS, row, step)
        self._view.show_dialog(self._screen, self._open_span)

    def _open_span(self, row: int) -> None:
        found = self._diff.found
        normal, here = self._diff.rows.rows[row].spans
        trace, span = (found.trace, here) if here >= 0 else (found.normal, normal)
        self._view.post_message(OpenTrace(trace, span, partial(self.show, row)))

    def _step(self, step: int) -> None:
        """Compare with the next (1) or previous (-1) of the normal traces by distance from the median."""
        found = self._diff.found
        nearest = found.normals.nearest
        at = int(np.flatnonzero(nearest == found.normal)[0])
        normal = int(nearest[(at + step) % len(nearest)])
        self._view.work("waterfall-normal", lambda: self._diff.with_normal(normal), self._replace)

    def _replace(self, diff: NormalDiff | None) -> None:
        if diff is not None and self._screen is not None and not self._screen.is_closed:
            self._diff = diff
            self._screen.replace(_title(self._view, diff), diff.rows, diff.rows.top)


def show_normal(view: View, traces: TraceSet, trace: int) -> None:
    """Compare a trace with the median trace of its entry point, and show the result over a view."""
    glyphs = view.state.look.glyphs

    def show(diff: NormalDiff | None) -> None:
        if diff is None:
            view.post_notice("no other trace has this entry point; nothing to compare with")
        else:
            NormalTraceComparison(view, diff).show()

    view.work("waterfall-normal", lambda: NormalDiff.of(traces, trace, glyphs), show)


def show_marked(view: View, traces: TraceSet, pair: tuple[int, int]) -> None:
    """Compare two traces, the earlier one first, and show the result over a view."""
    glyphs = view.state.look.glyphs
    view.work(
        "traces-compare",
        lambda: MarkedDiff(compare_within(traces, *pair), traces, pair, glyphs),
        partial(_show_marked, view),
    )


def _show_marked(view: View, diff: MarkedDiff, at: int | None = None) -> None:
    def chosen(row: int) -> None:
        spans = diff.rows.rows[row].spans
        side = 1 if spans[1] >= 0 else 0
        view.post_message(OpenTrace(diff.pair[side], spans[side], partial(_show_marked, view, diff, row)))

    row = diff.rows.top if at is None else at
    look = view.state.look
    view.show_dialog(ResultScreen(look, _title(view, diff), diff.rows, "open the span", _MARKED_KEYS, row), chosen)


def _title(view: View, diff: NormalDiff | MarkedDiff) -> list[Line]:
    """Return the lines above the rows."""
    width = max(view.size.width - 4, 20)
    local_time, page = view.state.look.local_time, view.state.trace_page
    titles = diff.titles(local_time, page) if isinstance(diff, NormalDiff) else diff.titles(local_time)
    return [*titles, *diff.rows.remarks(width), Line()]
