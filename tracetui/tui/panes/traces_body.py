"""What stands in the list's place where there is no row, and what the list needs that is worked out beside the loop."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.query.complete import Vocabulary, vocabulary
from tracetui.model.search import MORE
from tracetui.model.times import format_duration
from tracetui.model.traces import TraceSet
from tracetui.render import numbers
from tracetui.render.frame import source_name
from tracetui.render.line import Line, Role
from tracetui.render.offered_rows import OfferedRows, offers
from tracetui.render.safe_text import safe
from tracetui.render.scatter import Points
from tracetui.render.skew_remark import skew_remark
from tracetui.render.trace_columns import TraceColumns, trace_columns
from tracetui.render.trace_list import chosen_mark, new_mark
from tracetui.tui.keymap import KeyNames
from tracetui.tui.panes import traces_filters as filters
from tracetui.tui.state import State

_INDENT = "   "


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is worked out outside the UI loop when the set or the filter changes."""

    columns: TraceColumns
    shown: np.ndarray
    points: Points
    blame: filters.Blame | None


def prepared(loaded: TraceSet, columns: TraceColumns | None, shown: np.ndarray, query: str) -> Prepared:
    columns = columns or trace_columns(loaded)
    points = Points(
        loaded.trace_start[shown],
        loaded.response_time[shown],
        loaded.trace_errors[shown] > 0,
        columns.failed_request[shown],
    )
    return Prepared(columns, shown, points, filters.blame(loaded, query) if not len(shown) and query else None)


def words(loaded: TraceSet) -> Vocabulary:
    """The words that queries of a set are completed from."""
    known = vocabulary(loaded)
    # the first query takes as long as making the grammar does
    filters.error_in("error")
    return known


def unmet_lines(found: filters.Blame | None, names: KeyNames, searched: str, *, is_live: bool) -> list[Line]:
    """Why no trace meets the filter; `searched`: which traces of servers that hold more were looked through."""
    none = f"None among {searched} meets this filter." if searched else "No trace meets this filter."
    lines = [Line(), Line([(f"{_INDENT}{none}", Role.STRONG)])]
    if is_live:
        more = "{app.more} asks for more traces, " if searched else ""
        lines.append(Line([(_INDENT + names.short(more + "{traces.window} asks further back"), Role.PLAIN)]))
    if found is not None:
        total = numbers.counted(found.of, "trace")
        line = Line([(f"{_INDENT}{safe(found.part, 120)} alone is met by {found.passes:,} of {total}", Role.PLAIN)])
        if found.without and found.without < found.of:
            line.add(f"; without it there would be {found.without:,}", Role.PLAIN)
        lines.append(line)
    return [
        *lines,
        Line(
            [
                (
                    _INDENT + names.short("{traces.undo} undoes the last change, {traces.filter} edits the filter"),
                    Role.DIM,
                )
            ]
        ),
    ]


def count_line(state: State, total: int, skewed: int = 0) -> Line:
    """How many traces are shown, new and marked, of so many; in how many of them clocks disagree."""
    marks, shown, line = state.look.marks, len(state.shown), Line()
    if skewed:
        line.add(skew_remark(skewed, marks), Role.WARNING).add("   ")
    if state.new:
        line.add(f"{new_mark(marks)} {len(state.new):,} new", Role.ACCENT).add("   ")
    if state.marked:
        line.add(f"{chosen_mark(marks)} {len(state.marked):,} marked", Role.ACCENT).add("   ")
    text = numbers.counted(total, "trace")
    return line.add(f"{shown:,} of {text}", Role.STRONG) if shown != total else line.add(text, Role.DIM)


def made_lines(state: State) -> list[Line]:
    """Where the traces are while their list is made for the first time."""
    return [Line(), Line([(f"{_INDENT}listing the traces{state.look.marks.ellipsis}", Role.STRONG)])]


def offered_rows(state: State) -> OfferedRows | None:
    """The rows for what servers that sent no trace can be asked for; None where there is nothing to offer."""
    if not state.is_live or not state.asked_lookback_ns or state.services_to_choose:
        return None
    found = offers(state.offered, state.newest, state.asked_lookback_ns, time.time_ns())
    return OfferedRows(found, state.look.marks.ellipsis)


def _empty_answer(state: State, names: KeyNames) -> list[Line]:
    """That servers sent no trace, what they were asked for, and which keys ask for something else."""
    name, lookback = source_name(state.sources), state.asked_lookback_ns
    if state.services_to_choose:
        title = f"{name} searches by service only, and knows {state.services_to_choose:,}"
        keys = "{traces.service} chooses services, {traces.window} how far back they are asked"
    else:
        title = f"{name} has no such traces" + (f" of the last {format_duration(lookback)}" if lookback else "")
        keys = "{list.open} asks for this line, " if lookback else ""
        keys += f"{{app.more}} the last {format_duration(MORE * lookback)}, " if lookback else ""
        keys += "{traces.window} other times, {app.reload} again, {app.follow} follows"
    asked = [Line([(_INDENT + safe(text, 300), Role.PLAIN)]) for text in state.told]
    return [Line(), Line([(_INDENT + title, Role.STRONG)]), *asked, Line([(_INDENT + names.short(keys), Role.DIM)])]


def absent_lines(state: State, names: KeyNames) -> list[Line]:
    """Why there is no trace at all."""
    name = source_name(state.sources)
    again = "{app.reload} reads again, {app.quit} quits"
    if state.load_state == "reading":
        verb = "asking" if "://" in state.sources[0] else "reading"
        title, more = f"{verb} {name}{state.look.marks.ellipsis}", "rows appear as they come; {app.back} stops"
    elif state.session is None:
        # why a load failed stands above the views
        title, more = "Nothing is loaded.", again if state.sources else "{app.quit} quits"
    elif state.is_live:
        return _empty_answer(state, names)
    else:
        title, more = f"No spans in {name}." if state.sources else "No spans.", again
    return [Line(), Line([(_INDENT + title, Role.STRONG)]), Line([(_INDENT + names.short(more), Role.DIM)])]
