"""Contrast dialog: a selection of traces compared with the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tracetui.analysis.contrast import Contrast, OverRepresented, contrast
from tracetui.analysis.requests import failed_requests
from tracetui.model.times import format_duration
from tracetui.model.traces import TraceSet
from tracetui.query.complete import attribute_field
from tracetui.query.lexer import quoted
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.traces.contrast import ContrastList, remarks
from tracetui.tui.views.base import View
from tracetui.tui.widgets.result_screen import ResultScreen

_KEYS = (
    ("{list.open}", "filter by it"),
    ("of these", "traces of the selection with this value; of the others: other traces with it"),
    ("lift", "ratio of the two shares; only: no other trace has it"),
    ("may be chance", "significant on its own, but not among this many candidates"),
)

_AFTER = ("with ", "from ")
"""Beginnings of a description that stands after "traces"."""


def open_contrast(
    view: View,
    traces: TraceSet,
    selection: np.ndarray,
    described: str,
    apply_filter: Callable[[str], object],
    *,
    among: str = "",
    durations: bool = True,
) -> None:
    """Contrast bool[traces] `selection` with the other traces, outside the UI loop, and show the result.

    described: a word before "traces", or "with ..." or "from ..." after it; among: restriction of the others;
    apply_filter: called with the query of the chosen row; durations: include response times.
    """
    if not selection.any() or selection.all():
        chosen = "every trace" if selection.any() else "no trace"
        view.post_notice(f"nothing to contrast: {chosen} is selected")
        return

    with_errors = int((traces.trace_errors[selection] > 0).sum())
    failed = numbers.requests_failed(with_errors, int(failed_requests(traces)[selection].sum()))

    def done(found: Contrast) -> None:
        _show(
            view,
            found,
            described,
            f" ({failed})" if failed and described.startswith(_AFTER) else "",
            among,
            apply_filter,
        )

    view.work(f"{view.id}.contrast", lambda: contrast(traces, selection, durations=durations), done)


def _show(
    view: View, found: Contrast, described: str, failed: str, among: str, apply_filter: Callable[[str], object]
) -> None:
    """`failed`: number of failed requests in parentheses, '' if redundant."""
    look, glyphs = view.state.look, view.state.look.glyphs
    if not found.differences:
        view.post_notice("nothing is over-represented beyond chance")
        return
    title = Line(
        [("Over-represented in ", Role.DIM), (selection_words(found.selected_of, described) + failed, Role.TITLE)]
    )
    title.add(f", compared with {numbers.counted(found.rest_of, 'other trace')}{among}", Role.DIM)

    def chosen(row: int) -> None:
        query, shown = query_of(found.differences[row]), view.state.query
        apply_filter(f"({shown}) AND {query}" if shown else query)

    rows = ContrastList(found, glyphs)
    view.show_dialog(ResultScreen(look, [title, *remarks(found, glyphs)], rows, "filter by it", _KEYS), chosen)


def selection_words(count: int, described: str) -> str:
    """`8 traces with errors`, `1 slowest trace`"""
    if described.startswith(_AFTER):
        return f"{numbers.counted(count, 'trace')} {safe(described)}"
    return numbers.counted(count, f"{safe(described)} trace")


def query_of(one: OverRepresented) -> str:
    """Query for the traces with this value."""
    match one.what:
        case "attribute":
            return f"{attribute_field(one.key)} = {quoted(one.value)}"
        case "duration":
            return f"trace.response >= {format_duration(int(one.value))}"
        case "operation":
            return f"{{ service = {quoted(one.key)} AND operation = {quoted(one.value)} }}"
        case _:
            return f"service = {quoted(one.value)}"
