"""Empty states of the list, and data for the list that is computed outside the UI loop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np

from tracetui.analysis.entry_points import EntryPoint, find_entry_points
from tracetui.model.search import MORE
from tracetui.model.search_offers import offers
from tracetui.model.times import format_duration
from tracetui.model.traces import TraceSet
from tracetui.query import edit as filters
from tracetui.query.complete import Vocabulary, vocabulary
from tracetui.query.parser import searched_words, where_searched
from tracetui.render.frame import source_name
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.traces.columns import TraceColumns, trace_columns
from tracetui.render.traces.known_names import known_name_lines
from tracetui.render.traces.scatter import Points
from tracetui.render.traces.scatter_stats import stats_lines
from tracetui.render.traces.search_offers import OfferedRows
from tracetui.render.traces.table import marked_glyph, new_glyph
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.name_index import operation_index, service_index
from tracetui.tui.state import State

_INDENT = "   "
_OTHER_SOURCE = "{app.open} opens another source: a file, directory, glob, server or profile"
_LINE_WIDTH = 76


@dataclass(frozen=True, slots=True)
class Prepared:
    """Data computed outside the UI loop when the set or the filter changes."""

    columns: TraceColumns
    entries: list[EntryPoint] | None
    """Entry points of the traces shown; None if the list is not grouped by them."""
    shown: np.ndarray
    points: Points
    stats: list[Line]
    """Statistics of the points."""
    no_match: NoMatch | None
    """Explanation if the filter matches no trace."""


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Why a filter matches no trace, and what there is instead."""

    blocking: filters.BlockingCondition | None
    known_names: list[Line]


def prepared(
    loaded: TraceSet,
    columns: TraceColumns | None,
    shown: np.ndarray,
    query: str,
    glyphs: Glyphs,
    attributes: Sequence[str],
    *,
    by_entry_point: bool,
) -> Prepared:
    columns = (columns or trace_columns(loaded)).with_attributes(attributes)
    points = Points(
        loaded.trace_start[shown],
        loaded.response_time[shown],
        loaded.trace_errors[shown] > 0,
        columns.failed_request[shown],
    )
    stats = stats_lines(points, glyphs)
    entries = find_entry_points(loaded, shown) if by_entry_point else None
    no_match = None
    if not len(shown) and query and loaded.trace_count:
        # similar names are looked for here, as that takes long among many
        known = known_name_lines(vocabulary(loaded), searched_words(query), _INDENT, _LINE_WIDTH)
        no_match = NoMatch(filters.find_blocking_condition(loaded, query), known)
    return Prepared(columns, entries, shown, points, stats, no_match)


def query_vocabulary(loaded: TraceSet) -> Vocabulary:
    """Build the vocabulary for completing queries, and the indexes of names for the palette."""
    known = vocabulary(loaded)
    # of many names, building these on the UI loop would delay the palette
    service_index(loaded)
    operation_index(loaded)
    # build the grammar now, outside the UI loop
    filters.error_in("error")
    return known


def no_match_lines(
    query: str, no_match: NoMatch | None, names: KeyNames, searched: str, *, is_live: bool
) -> list[Line]:
    """Message for a query without matches. `searched`: the traces that were searched, on servers with more."""
    none = f"No match among {searched}." if searched else "No trace matches this filter."
    lines = [Line(), Line([(f"{_INDENT}{none}", Role.STRONG)])]
    where = where_searched(query)
    if where:
        here = " of the loaded traces" if is_live else ""
        lines += [Line([(_INDENT + safe(line), Role.PLAIN)]) for line in wrap(where + here, _LINE_WIDTH)]
    if is_live:
        more = "{app.more} loads more traces, " if searched else ""
        lines.append(Line([(_INDENT + names.short(more + "{traces.window} goes further back"), Role.PLAIN)]))
    found = no_match.blocking if no_match is not None else None
    if found is not None and not (where and found.part == query):
        total = numbers.counted(found.of, "trace")
        line = Line([(f"{_INDENT}{safe(found.part, 120)} alone matches {found.passes:,} of {total}", Role.PLAIN)])
        if found.without and found.without < found.of:
            line.add(f"; without it: {found.without:,}", Role.PLAIN)
        lines.append(line)
    keys = names.short("{traces.undo} undoes the last change, {traces.filter} edits the filter")
    lines.append(Line([(_INDENT + keys, Role.DIM)]))
    if no_match is not None:
        lines += no_match.known_names
    return lines


def count_line(state: State, total: int, names: KeyNames, skewed: int = 0) -> Line:
    """Line with the numbers of traces: shown, total, new, marked, and with clock skew among those shown."""
    glyphs, shown, line = state.look.glyphs, len(state.shown), Line()
    if state.session is not None and state.session.uncorrected is not None:
        text = names.short("skew corrected: {app.adjust-skew} undoes")
        line.add(f"{glyphs.warning} {text}", Role.WARNING).add("   ")
    elif skewed:
        text = f"skew in {numbers.counted(skewed, 'trace')}" + names.short(": {app.adjust-skew} corrects")
        line.add(f"{glyphs.warning} {text}", Role.WARNING).add("   ")
    if state.searched_share < 1:
        share = numbers.whole_percent(100 * state.searched_share)
        text = f"{share} of the traces searched"
        line.add(text if state.is_searching else f"{glyphs.warning} {text}", Role.WARNING).add("   ")
    if state.new:
        line.add(f"{new_glyph(glyphs)} {len(state.new):,} new", Role.ACCENT).add("   ")
    if state.marked:
        line.add(f"{marked_glyph(glyphs)} {len(state.marked):,} marked", Role.ACCENT).add("   ")
    text = numbers.counted(total, "trace")
    return line.add(f"{shown:,} of {text}", Role.STRONG) if shown != total else line.add(text, Role.DIM)


def loading_lines(state: State) -> list[Line]:
    """Placeholder while the list is built for the first time."""
    return [Line(), Line([(f"{_INDENT}preparing the list{state.look.glyphs.ellipsis}", Role.STRONG)])]


def offered_rows(state: State) -> OfferedRows | None:
    """Rows with windows and services to load, if servers sent no traces; None otherwise."""
    if not state.is_live or not state.searched_lookback_ns or state.services_to_choose:
        return None
    found = offers(state.server_services, state.newest_starts, state.searched_lookback_ns, time.time_ns())
    return OfferedRows(found, state.look.glyphs.ellipsis)


def _no_result_lines(state: State, names: KeyNames) -> list[Line]:
    """Message if servers sent no traces: the searches, and keys for other ones."""
    name, lookback = source_name(state.sources), state.searched_lookback_ns
    if state.services_to_choose:
        title = f"{name} searches by service only; it has {state.services_to_choose:,} services"
        keys = "{traces.service} chooses services, {traces.window} the time window"
    else:
        title = f"no matching traces on {name}" + (f" of the last {format_duration(lookback)}" if lookback else "")
        keys = "{list.open} loads this line, " if lookback else ""
        keys += f"{{app.more}} the last {format_duration(MORE * lookback)}, " if lookback else ""
        keys += "{traces.window} other times, {app.reload} reloads, {app.follow} follows"
    reports = [Line([(_INDENT + safe(text, 300), Role.PLAIN)]) for text in state.search_reports]
    return [Line(), Line([(_INDENT + title, Role.STRONG)]), *reports, Line([(_INDENT + names.short(keys), Role.DIM)])]


def no_trace_lines(state: State, names: KeyNames) -> list[Line]:
    """Message with the reason for an empty set."""
    name, other = source_name(state.sources), ""
    again = "{app.reload} reloads the sources, {app.quit} quits"
    if state.load_state == "reading":
        verb = "searching" if "://" in state.sources[0] else "reading"
        title, more = f"{verb} {name}{state.look.glyphs.ellipsis}", "rows appear as they arrive; {app.back} stops"
    elif state.session is None:
        # the banner above the views shows the reason
        title, more, other = "No traces loaded.", again if state.sources else "{app.quit} quits", _OTHER_SOURCE
    elif state.is_live:
        return _no_result_lines(state, names)
    else:
        title, more, other = f"No spans in {name}." if state.sources else "No spans.", again, _OTHER_SOURCE
    keys = [Line([(_INDENT + names.short(text), Role.DIM)]) for text in (more, other) if text]
    return [Line(), Line([(_INDENT + title, Role.STRONG)]), *keys]
