"""Contrast of a selection with the other traces, shown over any view."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tracetui.analysis.contrast import Contrast, OverRepresented, contrast
from tracetui.analysis.requests import failed_requests
from tracetui.model.traces import TraceSet
from tracetui.query.complete import attribute_field, quoted
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.traces.contrast import ContrastList, remarks
from tracetui.tui.messages import Notice
from tracetui.tui.views.base import View
from tracetui.tui.widgets.answer_screen import AnswerScreen

_KEYS = (
    ("{list.open}", "filter by it"),
    ("of these", "traces in the selection that have it; of the others: of all other traces shown"),
    ("lift", "ratio of the two shares; only: in no other trace"),
    ("may be chance", "with so many candidates, some differ this much by chance"),
)


def open_contrast(
    pane: View,
    traces: TraceSet,
    selection: np.ndarray,
    whose: str,
    ask: Callable[[str], object],
    *,
    among: str = "",
    durations: bool = True,
) -> None:
    """Compute the contrast of bool[traces] `selection` outside the loop, and show it over the view.

    whose: what a trace of the selection is, in a word before it, or `with ...` behind it; among: which others they are
    told from; ask: is given the query of the traces with what was chosen; durations: whether how long they take counts.
    """
    if not selection.any() or selection.all():
        pane.post_message(Notice("no other traces to contrast with" if selection.any() else "the selection is empty"))
        return

    with_errors = int((traces.trace_errors[selection] > 0).sum())
    failed = numbers.requests_failed(with_errors, int(failed_requests(traces)[selection].sum()))

    def done(found: Contrast) -> None:
        _show(pane, found, whose, f" ({failed})" if failed and whose.startswith("with ") else "", among, ask)

    pane.work(f"{pane.id}.contrast", lambda: contrast(traces, selection, durations=durations), done)


def _show(pane: View, found: Contrast, whose: str, failed: str, among: str, ask: Callable[[str], object]) -> None:
    """`failed`: how many of their requests failed, '' where that goes without saying."""
    look, marks = pane.state.look, pane.state.look.marks
    if not found.differences:
        pane.post_message(Notice("nothing is over-represented beyond chance"))
        return
    title = Line([("What sets ", Role.DIM), (selection_words(found.selected_of, whose) + failed, Role.TITLE)])
    title.add(f" apart from {numbers.counted(found.rest_of, 'other trace')}{among}", Role.DIM)

    def chosen(row: int | None) -> None:
        pane.focus_pane()
        if row is not None:
            query, shown = query_of(found.differences[row]), pane.state.query
            ask(f"({shown}) AND {query}" if shown else query)

    rows = ContrastList(found, marks)
    screen = AnswerScreen(look, [title, *remarks(found, marks)], rows, "only traces with it", _KEYS)
    pane.app.push_screen(screen, chosen)


def selection_words(count: int, whose: str) -> str:
    """`8 traces with errors`, `1 slowest trace`"""
    if whose.startswith("with "):
        return f"{numbers.counted(count, 'trace')} {safe(whose)}"
    return numbers.counted(count, f"{safe(whose)} trace")


def query_of(one: OverRepresented) -> str:
    """Query for the traces that have it."""
    match one.what:
        case "attribute":
            return f"{attribute_field(one.key)} = {quoted(one.value)}"
        case "duration":
            return f"trace.response >= {one.value}ns"
        case "operation":
            return f"{{ service = {quoted(one.key)} AND operation = {quoted(one.value)} }}"
        case _:
            return f"service = {quoted(one.value)}"
