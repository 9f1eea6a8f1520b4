"""Comparison of a trace with the median trace of its entry point, as a list over a view."""

from __future__ import annotations

from functools import partial

from tracetui.analysis.normal_trace import NormalComparison, compare_with_normal
from tracetui.model.traces import TraceSet
from tracetui.render.waterfall.normal_diff import NormalDiff
from tracetui.tui.messages import OpenTrace
from tracetui.tui.views.base import View
from tracetui.tui.widgets.result_screen import ResultScreen

_KEYS = (
    ("{list.open}", "open the span, in the normal trace if it is missing in this one"),
    ("this, normal", "time on the critical path in this trace, and in the median trace of its entry point"),
    ("added", "this minus normal; all rows add up to the difference of the traces"),
    ("share", "share of that difference"),
    ("network", "added while the call was on the network, beyond the time of the callee; all of it if without a time"),
    ("░ █ ·", "time in both traces; added; missing"),
)


def show_normal(view: View, traces: TraceSet, trace: int) -> None:
    """Compare a trace with the median trace of its entry point, and show the result over a view."""

    def show(found: NormalComparison | None) -> None:
        if found is None:
            view.post_notice("no other trace has this entry point; nothing to compare with")
        else:
            _show(view, traces, found)

    view.work("waterfall-normal", lambda: compare_with_normal(traces, trace), show)


def _show(view: View, traces: TraceSet, found: NormalComparison, at: int = 0) -> None:
    look = view.state.look
    rows = NormalDiff(found, traces, look.glyphs)

    def chosen(row: int) -> None:
        normal, here = rows.rows[row].spans
        trace, span = (found.trace, here) if here >= 0 else (found.normal, normal)
        view.post_message(OpenTrace(trace, span, partial(_show, view, traces, found, row)))

    titles = [*rows.titles(look.local_time), *rows.remarks(max(view.size.width - 4, 20))]
    view.show_dialog(ResultScreen(look, titles, rows, "open the span", _KEYS, at), chosen)
